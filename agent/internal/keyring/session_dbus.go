//go:build linux || freebsd || netbsd || openbsd || dragonfly

package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// busVariable names the session bus (D-Bus specification, "Well-known Message Bus
// Instances").
const busVariable = "DBUS_SESSION_BUS_ADDRESS"

// runtimeDir is where systemd has a user's sockets, below it by user id.
var runtimeDir = "/run/user"

// findSession sees to it that the library finds a session bus that is there
// already. Without an address godbus runs dbus-launch, which starts a bus and a
// keyring that nobody ends and nobody can unlock.
func findSession() error {
	if address := os.Getenv(busVariable); address != "" && !strings.HasPrefix(address, "autolaunch:") {
		return nil
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), filepath.Join(runtimeDir, strconv.Itoa(os.Getuid()))} {
		socket := filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); filepath.IsAbs(dir) && err == nil && info.Mode().Type() == os.ModeSocket {
			return os.Setenv(busVariable, "unix:path="+dbus.EscapeBusAddressValue(socket))
		}
	}
	return errors.New("there is no keyring: this session has no D-Bus")
}

// endSession closes the connection that the library shares between its calls. It
// never takes back the channels on which it waits for the end of a prompt, so
// that each prompt would leave goroutines behind for as long as the connection
// lasts. The calls take turns, so nobody else uses it.
func endSession() {
	if connection, err := dbus.SessionBus(); err == nil {
		connection.Close()
	}
}

// knownCause puts the common failures in words.
func knownCause(err error) string {
	var answer dbus.Error
	if errors.As(err, &answer) {
		switch {
		case answer.Name == "org.freedesktop.DBus.Error.ServiceUnknown",
			answer.Name == "org.freedesktop.DBus.Error.NameHasNoOwner",
			strings.HasPrefix(answer.Name, "org.freedesktop.DBus.Error.Spawn."):
			return "there is no keyring: nothing in this session offers the Secret Service"
		case answer.Name == "org.freedesktop.Secret.Error.IsLocked":
			return "the keyring is locked"
		case answer.Name == "org.freedesktop.Secret.Error.NoSuchObject":
			return "the keyring has no place for new entries: create a default keyring"
		}
	}
	if strings.HasPrefix(err.Error(), "failed to unlock") { // go-keyring, SecretService.Unlock
		return "the keyring is locked"
	}
	return ""
}
