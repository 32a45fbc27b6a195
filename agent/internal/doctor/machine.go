package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Machine is what the checks of this machine look at.
type Machine struct {
	OS       string // as GOOS
	Getenv   func(name string) string
	LookPath func(command string) (string, error)
	Exists   func(file string) bool
}

// ThisMachine is the one that the process runs on.
func ThisMachine() Machine {
	return Machine{
		OS: runtime.GOOS, Getenv: os.Getenv, LookPath: exec.LookPath,
		Exists: func(file string) bool { _, err := os.Stat(file); return err == nil },
	}
}

// Browser is who opens a browser when somebody signs in.
type Browser struct {
	Mode        protocol.Browser
	EditorShows bool // it supports window/showDocument
}

const otherWays = `Let the editor open it (set "browser" to "editor"), sign in with the method "device" or "token", or open the address on another machine and paste the address at which that ends (gitlabSM/completeAuthentication).`

// Browser checks how a browser would be opened. It opens none.
func (m Machine) Browser(b Browser) protocol.Check {
	f := m.lookBrowser(b)
	if where := m.place(); where != "" {
		f.detail += "; the agent runs " + where
	}
	return protocol.Check{Name: "browser", Status: f.status, Detail: f.detail, Hint: f.hint}
}

func (m Machine) lookBrowser(b Browser) finding {
	switch {
	case b.Mode == protocol.BrowserNone:
		return pass("nobody opens a browser: the editor shows the address")
	case b.Mode != protocol.BrowserSystem && b.EditorShows:
		return pass("the editor opens the browser")
	}
	f := m.lookSystem()
	if b.Mode == protocol.BrowserEditor {
		f.detail = "the editor cannot open a browser, so that the agent does: " + f.detail
	}
	return f
}

func (m Machine) lookSystem() finding {
	if commands := m.Getenv("BROWSER"); commands != "" {
		return m.lookCommands(commands)
	}
	if m.OS == "windows" || m.OS == "darwin" {
		return pass("the system opens its own browser")
	}
	command := ""
	for _, name := range openers {
		if _, err := m.LookPath(name); err == nil {
			command = name
			break
		}
	}
	switch {
	case command == "":
		return warn(otherWays, "no browser can be opened here: there is none of %s", strings.Join(openers, ", "))
	case m.Getenv("DISPLAY") == "" && m.Getenv("WAYLAND_DISPLAY") == "" && !m.isWSL():
		return warn(otherWays, "no browser can be seen here: neither DISPLAY nor WAYLAND_DISPLAY is set")
	}
	return pass("the command %s opens the browser", command)
}

// openers are what github.com/cli/browser tries on Linux and the BSDs.
var openers = []string{"xdg-open", "x-www-browser", "www-browser", "wslview"}

// lookCommands checks the list of commands in $BROWSER, of which one is enough.
func (m Machine) lookCommands(commands string) finding {
	separator := ":"
	if m.OS == "windows" {
		separator = ";"
	}
	for command := range strings.SplitSeq(commands, separator) {
		words := strings.Fields(command)
		if len(words) == 0 {
			continue
		}
		if _, err := m.LookPath(words[0]); err == nil {
			return pass("the command %s opens the browser, from the variable BROWSER", words[0])
		}
	}
	return warn("Mend or unset the variable BROWSER. "+otherWays, "the variable BROWSER names no command that is there")
}

func (m Machine) isWSL() bool { return m.Getenv("WSL_DISTRO_NAME") != "" }

// place says where the agent runs, where that is a place whose browser, if it has
// one, is not in front of the user. It returns "" for any other.
func (m Machine) place() string {
	var places []string
	if m.Getenv("SSH_CONNECTION") != "" {
		places = append(places, "on a machine that is reached by SSH")
	}
	if m.Exists("/.dockerenv") || m.Exists("/run/.containerenv") {
		places = append(places, "in a container")
	}
	if m.isWSL() {
		places = append(places, "in WSL")
	}
	return strings.Join(places, ", ")
}

// Homeless takes the user's home directory, whose name is often the user's, out of
// a text.
func Homeless(text, home string) string {
	if home == "" || home == filepath.Dir(home) {
		return text
	}
	return replaceWord(text, home, "~")
}
