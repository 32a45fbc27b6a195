package main

import (
	"fmt"
	"os"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// keyringIsOff reads CODESTREAM_KEYRING, which has the values of the setting
// "keyring".
func keyringIsOff() (bool, error) {
	switch value := protocol.Keyring(os.Getenv("CODESTREAM_KEYRING")); value {
	case "", protocol.KeyringSystem:
		return false, nil
	case protocol.KeyringOff:
		return true, nil
	default:
		return false, fmt.Errorf("CODESTREAM_KEYRING is %q; it can be system or off", value)
	}
}
