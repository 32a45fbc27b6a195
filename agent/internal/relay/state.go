package relay

import (
	"crypto/rand"
	"strconv"
	"strings"
)

// NewState makes the state of a sign-in (RFC 6749 section 10.12) whose callback comes
// by a relay: 128 random bits, a dot, and the port of the agent's listener.
func NewState(port int) string { return rand.Text() + "." + strconv.Itoa(port) }

// randomLength is how many characters of base32 the random part has, as of
// crypto/rand's Text: at least 128 bits.
const randomLength = 26

// lowestPort is the first that a program without special rights can have.
const lowestPort = 1024

// portOf returns the port of the agent's listener, and false for what is no state of
// an agent's.
func portOf(state string) (port int, ok bool) {
	random, digits, found := strings.Cut(state, ".")
	if !found || len(random) < randomLength || len(random) > 2*randomLength || strings.ContainsFunc(random, notBase32) {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number < lowestPort || strconv.FormatUint(number, 10) != digits {
		return 0, false
	}
	return int(number), true
}

func notBase32(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') }
