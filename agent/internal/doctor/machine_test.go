package doctor

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// machine is one with just this environment, these commands and these files.
func machine(os string, env map[string]string, commands, files []string) Machine {
	return Machine{
		OS:     os,
		Getenv: func(name string) string { return env[name] },
		LookPath: func(command string) (string, error) {
			if slices.Contains(commands, command) {
				return "/usr/bin/" + command, nil
			}
			return "", exec.ErrNotFound
		},
		Exists: func(file string) bool { return slices.Contains(files, file) },
	}
}

func TestWhoOpensTheBrowser(t *testing.T) {
	system := Browser{Mode: protocol.BrowserSystem, EditorShows: true}
	desktop := map[string]string{"DISPLAY": ":0"}
	for name, c := range map[string]struct {
		machine Machine
		browser Browser
		status  protocol.CheckStatus
		detail  string
	}{
		"the editor":                   {machine("linux", nil, nil, nil), Browser{EditorShows: true}, protocol.CheckPass, "the editor opens"},
		"nobody":                       {machine("linux", nil, nil, nil), Browser{Mode: protocol.BrowserNone, EditorShows: true}, protocol.CheckPass, "the editor shows the address"},
		"an editor that cannot":        {machine("linux", desktop, []string{"xdg-open"}, nil), Browser{Mode: protocol.BrowserEditor}, protocol.CheckPass, "the editor cannot open a browser, so that the agent does: the command xdg-open"},
		"a desktop":                    {machine("linux", desktop, []string{"xdg-open"}, nil), system, protocol.CheckPass, "xdg-open"},
		"Wayland":                      {machine("freebsd", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, []string{"www-browser"}, nil), system, protocol.CheckPass, "www-browser"},
		"macOS":                        {machine("darwin", nil, nil, nil), system, protocol.CheckPass, "its own browser"},
		"Windows":                      {machine("windows", nil, nil, nil), system, protocol.CheckPass, "its own browser"},
		"no command":                   {machine("linux", desktop, nil, nil), system, protocol.CheckWarn, "there is none of xdg-open"},
		"no display":                   {machine("linux", nil, []string{"xdg-open"}, nil), system, protocol.CheckWarn, "DISPLAY"},
		"SSH":                          {machine("linux", map[string]string{"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, []string{"xdg-open"}, nil), system, protocol.CheckWarn, "reached by SSH"},
		"a container of Docker":        {machine("linux", nil, nil, []string{"/.dockerenv"}), system, protocol.CheckWarn, "in a container"},
		"a container of Podman":        {machine("linux", nil, nil, []string{"/run/.containerenv"}), system, protocol.CheckWarn, "in a container"},
		"WSL has no display":           {machine("linux", map[string]string{"WSL_DISTRO_NAME": "Debian"}, []string{"wslview"}, nil), system, protocol.CheckPass, "wslview opens the browser; the agent runs in WSL"},
		"$BROWSER":                     {machine("linux", map[string]string{"BROWSER": "none %s:firefox %s"}, []string{"firefox"}, nil), system, protocol.CheckPass, "firefox"},
		"$BROWSER with nothing there":  {machine("linux", map[string]string{"BROWSER": "none:  :"}, []string{"xdg-open"}, nil), system, protocol.CheckWarn, "BROWSER names no command"},
		"$BROWSER of Windows has a C:": {machine("windows", map[string]string{"BROWSER": `C:\firefox.exe`}, []string{`C:\firefox.exe`}, nil), system, protocol.CheckPass, "firefox"},
	} {
		got := c.machine.Browser(c.browser)
		if got.Name != "browser" || got.Status != c.status || !strings.Contains(got.Detail, c.detail) {
			t.Errorf("%s: got %+v, want %s with %q", name, got, c.status, c.detail)
		}
		if c.status == protocol.CheckWarn && !strings.Contains(got.Hint, "device") {
			t.Errorf("%s: the hint %q names no way that works", name, got.Hint)
		}
	}
}

func TestHomeIsNotNamed(t *testing.T) {
	for _, c := range []struct{ text, home, want string }{
		{"the store in /home/sam/.local/share can be read", "/home/sam", "the store in ~/.local/share can be read"},
		{"/home/samantha and /home/sam", "/home/sam", "/home/samantha and ~"},
		{"/var/lib", "/", "/var/lib"},
		{"/var/lib", "", "/var/lib"},
	} {
		if got := Homeless(c.text, c.home); got != c.want {
			t.Errorf("Homeless(%q, %q): got %q, want %q", c.text, c.home, got, c.want)
		}
	}
}
