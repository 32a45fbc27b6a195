//go:build linux || freebsd || netbsd || openbsd || dragonfly

package keyring

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/godbus/dbus/v5"
)

// bareSession makes an environment without a session bus, and with a dbus-launch
// that leaves a trace. It returns the runtime directory and where the trace would
// be.
func bareSession(t *testing.T) (dir, trace string) {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	trace = filepath.Join(bin, "launched")
	script := "#!/bin/sh\n: >" + trace + "\necho DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere\n"
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv(busVariable, "")
	before := runtimeDir
	runtimeDir = filepath.Join(dir, "run")
	t.Cleanup(func() { runtimeDir = before })
	return dir, trace
}

func TestNoBusIsLaunched(t *testing.T) {
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=*user"} {
		_, trace := bareSession(t)
		t.Setenv(busVariable, address)
		_, _, err := New().Get("a1")
		unavailable(t, err, "no D-Bus")
		if _, err := os.Stat(trace); err == nil {
			t.Errorf("with the address %q dbus-launch was started", address)
		}
	}
}

// The variable is not set in every session: over SSH, and in what systemd starts.
func TestTheBusOfTheRuntimeDirectoryIsFound(t *testing.T) {
	dir, trace := bareSession(t)
	socket := filepath.Join(dir, "bus")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := findSession(); err == nil {
		t.Errorf("a file was taken for a bus: %s", os.Getenv(busVariable))
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	if err := findSession(); err != nil {
		t.Fatal(err)
	}
	if got, want := os.Getenv(busVariable), "unix:path="+dbus.EscapeBusAddressValue(socket); got != want {
		t.Errorf("the address is %q, want %q", got, want)
	}
	listener.Close() // and now nobody is there
	_, _, err = New().Get("a1")
	unavailable(t, err, "the keyring refuses")
	if _, err := os.Stat(trace); err == nil {
		t.Error("dbus-launch was started")
	}
}

func TestCommonCausesAreTold(t *testing.T) {
	for name, words := range map[string]string{
		"org.freedesktop.DBus.Error.ServiceUnknown":         "nothing in this session offers",
		"org.freedesktop.DBus.Error.Spawn.ExecFailed":       "nothing in this session offers",
		"org.freedesktop.Secret.Error.IsLocked":             "is locked",
		"org.freedesktop.Secret.Error.NoSuchObject":         "default keyring",
		"org.freedesktop.DBus.Error.AccessDenied.ByAPolicy": "refuses: not for you",
	} {
		s, _ := memory()
		s.entries.get = func(string, string) (string, error) {
			return "", dbus.Error{Name: name, Body: []any{"not for you"}}
		}
		_, _, err := s.Get("a1")
		unavailable(t, err, words)
	}
}
