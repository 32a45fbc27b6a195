package sessiontest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePort returns a port of 127.0.0.1 that an agent can be told to listen on. It
// is below those that systems hand out by themselves (32768 and up), so that no
// other program gets it by chance before the agent does.
func FreePort() (string, error) {
	const lowest, highest = 20000, 28000
	for range 100 {
		port := fmt.Sprint(lowest + rand.IntN(highest-lowest))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			return port, listener.Close()
		}
	}
	return "", errors.New("sessiontest: no port is free")
}
