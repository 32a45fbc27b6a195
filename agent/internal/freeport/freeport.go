// Package freeport finds ports for the programs that tests start.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// taken are the sockets that say which ports were found.
var taken struct {
	mu    sync.Mutex // guards marks
	marks []net.PacketConn
}

// Find returns a port of 127.0.0.1 that a program can be told to listen on. It is
// below those that systems hand out by themselves (32768 and up), so that no other
// program gets it by chance before that one does, or while that one is down. Nor is
// it found again, by this process or another, as long as this one lives: it keeps
// the port of the same number of UDP, which no program here uses.
func Find() (string, error) {
	const lowest, highest = 10000, 28000
	for range 100 {
		port := fmt.Sprint(lowest + rand.IntN(highest-lowest))
		mark, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			mark.Close()
			continue
		}
		taken.mu.Lock()
		defer taken.mu.Unlock()
		taken.marks = append(taken.marks, mark)
		return port, listener.Close()
	}
	return "", errors.New("freeport: no port is free")
}
