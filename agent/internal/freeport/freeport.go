// Package freeport finds ports for the programs that tests start.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Find returns a port of 127.0.0.1 that a program can be told to listen on. It is
// below those that systems hand out by themselves (32768 and up), so that no other
// program gets it by chance before that one does.
func Find() (string, error) {
	const lowest, highest = 10000, 28000
	for range 100 {
		port := fmt.Sprint(lowest + rand.IntN(highest-lowest))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			return port, listener.Close()
		}
	}
	return "", errors.New("freeport: no port is free")
}
