//go:build keyring

package acceptance

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// The Secret Service (freedesktop.org, "Secret Service API").
const (
	secretService  = "org.freedesktop.secrets"
	servicePath    = "/org/freedesktop/secrets"
	loginKeyring   = "/org/freedesktop/secrets/collection/login"
	serviceMethods = "org.freedesktop.Secret.Service."
	collection     = "org.freedesktop.Secret.Collection."
	item           = "org.freedesktop.Secret.Item."
)

// masterPassword unlocks the keyring.
const masterPassword = "glfake-master-password"

// busConfig lets everybody of the user's talk on the bus, and starts no service
// by itself.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// A desktop is a session of a user's, with a home, a bus, and a keyring as soon
// as one is started.
type desktop struct {
	t    testing.TB
	dir  string
	conn *dbus.Conn
}

// startDesktop starts a session without a keyring. It ends with the test.
func startDesktop(t testing.TB) *desktop {
	t.Helper()
	dir, err := os.MkdirTemp("", "desktop-") // its sockets' paths have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &desktop{t: t, dir: dir}
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(dir, "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	bus := d.command("dbus-daemon", "--config-file="+config, "--nofork", "--nopidfile", "--print-address")
	stdout, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.start(bus)
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal("the bus does not start: ", err)
	}
	if d.conn, err = dbus.Connect(d.address()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.conn.Close() })
	return d
}

func (d *desktop) address() string {
	return "unix:path=" + dbus.EscapeBusAddressValue(filepath.Join(d.dir, "bus"))
}

// env is the environment of the session's programs.
func (d *desktop) env() []string {
	return []string{
		"HOME=" + d.dir, "XDG_RUNTIME_DIR=" + d.dir, "XDG_DATA_HOME=" + d.dir, "XDG_CONFIG_HOME=" + d.dir,
		"DBUS_SESSION_BUS_ADDRESS=" + d.address(),
	}
}

func (d *desktop) command(program string, args ...string) *exec.Cmd {
	d.t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		d.t.Fatalf(`"make test-keyring" needs the program %s: %v`, program, err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, d.env()...)
	return cmd
}

// start starts a program that ends with the test.
func (d *desktop) start(cmd *exec.Cmd) {
	d.t.Helper()
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		cmd.Process.Kill() // it may have ended
		cmd.Wait()
	})
}

// startKeyring starts GNOME Keyring as a login does: unlocked.
func (d *desktop) startKeyring() {
	d.t.Helper()
	if err := d.conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged")); err != nil {
		d.t.Fatal(err)
	}
	changes := make(chan *dbus.Signal, 100)
	d.conn.Signal(changes)
	defer d.conn.RemoveSignal(changes)
	daemon := d.command("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock")
	daemon.Stdin = strings.NewReader(masterPassword)
	d.start(daemon)
	for change := range changes {
		if len(change.Body) == 3 && change.Body[0] == secretService && change.Body[2] != "" {
			return
		}
	}
	d.t.Fatal("the bus has ended")
}

// unlock unlocks the keyring as the person's password does, which GNOME Keyring
// takes by an interface of its own.
func (d *desktop) unlock() {
	d.t.Helper()
	service := d.conn.Object(secretService, servicePath)
	var none dbus.Variant
	var session dbus.ObjectPath
	if err := service.Call(serviceMethods+"OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&none, &session); err != nil {
		d.t.Fatal(err)
	}
	password := struct {
		Session            dbus.ObjectPath
		Parameters, Secret []byte
		ContentType        string
	}{session, []byte{}, []byte(masterPassword), "text/plain"}
	const unlock = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword"
	err := service.Call(unlock, 0, dbus.ObjectPath(loginKeyring), password).Err
	if err != nil || d.isLocked() {
		d.t.Fatal("the keyring is still locked: ", err)
	}
}

// lock locks the keyring.
func (d *desktop) lock() {
	d.t.Helper()
	err := d.conn.Object(secretService, servicePath).Call(serviceMethods+"Lock", 0, []dbus.ObjectPath{loginKeyring}).Err
	if err != nil || !d.isLocked() {
		d.t.Fatal("the keyring is not locked: ", err)
	}
}

func (d *desktop) isLocked() bool { return property[bool](d, loginKeyring, collection+"Locked") }

// entries lists what the keyring holds.
func (d *desktop) entries() []dbus.ObjectPath {
	return property[[]dbus.ObjectPath](d, loginKeyring, collection+"Items")
}

// forget deletes all that the keyring holds, as a person may.
func (d *desktop) forget() {
	d.t.Helper()
	for _, entry := range d.entries() {
		if err := d.conn.Object(secretService, entry).Call(item+"Delete", 0).Err; err != nil {
			d.t.Fatal(err)
		}
	}
}

func property[T any](d *desktop, object dbus.ObjectPath, name string) (value T) {
	d.t.Helper()
	variant, err := d.conn.Object(secretService, object).GetProperty(name)
	if err == nil {
		err = variant.Store(&value)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return value
}

// hang has the session's keyring never answer. The channel has what it is asked.
func (d *desktop) hang() <-chan *dbus.Message {
	d.t.Helper()
	conn, err := dbus.Connect(d.address())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	reply, err := conn.RequestName(secretService, dbus.NameFlagDoNotQueue)
	if err == nil && reply != dbus.RequestNameReplyPrimaryOwner {
		err = errors.New("somebody else is the keyring")
	}
	if err != nil {
		d.t.Fatal(err)
	}
	questions := make(chan *dbus.Message, 1000)
	conn.Eavesdrop(questions) // and nothing is answered
	return questions
}
