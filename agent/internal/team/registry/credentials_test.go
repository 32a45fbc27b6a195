package registry

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

const (
	userJWT = "-----BEGIN NATS USER JWT-----\nnatstest-secret-jwt\n------END NATS USER JWT------\n" +
		"-----BEGIN USER NKEY SEED-----\nnatstest-secret-seed\n------END USER NKEY SEED------\n"
	registryBlock = "-----BEGIN CODESTREAM REGISTRY-----\ntls://registry.example.com:4222, tls://b.example.com\n------END CODESTREAM REGISTRY------\n"
	keyBlock      = "-----BEGIN CODESTREAM TEAM KEY-----\n" + natstest.TeamKey + "\n------END CODESTREAM TEAM KEY------\n"
)

func TestCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		text            string
		identity, keyed bool
		problem         string // in the error
	}{
		"user and password":        {text: `{"user": "sam", "password": "natstest-secret-x", "teamKey": "` + natstest.TeamKey + `"}`, identity: true, keyed: true},
		"token":                    {text: `{"token": "natstest-secret-x"}`, identity: true},
		"only a key":               {text: `{"teamKey": "` + natstest.TeamKey + `"}`, keyed: true},
		"creds":                    {text: userJWT, identity: true},
		"creds with a key":         {text: userJWT + keyBlock, identity: true, keyed: true},
		"Windows' line ends":       {text: strings.ReplaceAll(userJWT+keyBlock, "\n", "\r\n"), identity: true, keyed: true},
		"a key that is short":      {text: `{"teamKey": "bmF0c3Rlc3Qtc2VjcmV0"}`, problem: "base64 of 32 bytes"},
		"a short block":            {text: userJWT + "-----BEGIN CODESTREAM TEAM KEY-----\nbmF0c3Rlc3Qtc2VjcmV0\n------END CODESTREAM TEAM KEY------\n", problem: "base64 of 32 bytes"},
		"two blocks":               {text: userJWT + keyBlock + keyBlock, problem: "twice"},
		"an empty block":           {text: userJWT + strings.Replace(keyBlock, natstest.TeamKey, "", 1), problem: "empty"},
		"an unknown block":         {text: userJWT + strings.ReplaceAll(keyBlock, "TEAM KEY", "OTHER KEY"), problem: "known"},
		"a block in small letters": {text: userJWT + strings.ReplaceAll(registryBlock, "CODESTREAM REGISTRY", "CodeStream Registry"), problem: "not written in capitals"},
		"a block without end":      {text: userJWT + strings.Split(keyBlock, "------END")[0], problem: "does not end"},
		"registry in a block":      {text: userJWT + registryBlock + keyBlock, identity: true, keyed: true},
		"a bad registry":           {text: `{"registry": "registry.example.com"}`, problem: "is not a URL"},
		"a password in it":         {text: `{"registry": "tls://sam:natstest-secret@registry.example.com"}`, problem: "has a user or password"},
		"user and token":           {text: `{"user": "sam", "token": "natstest-secret-x"}`, problem: "both"},
		"junk":                     {text: "natstest-secret-junk", problem: "neither"},
		"an unknown field":         {text: `{"user": "sam", "natstest-secret-field": 1}`, problem: "neither"},
		"two documents":            {text: `{"token": "natstest-secret-x"} {"token": "natstest-secret-y"}`, problem: "neither"},
		"empty":                    {text: "", problem: "neither"},
		"too large":                {text: strings.Repeat(" ", maxCredentials) + `{"token": "x"}`, problem: "larger"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.creds")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readCredentials(path, nil)
			if c.problem != "" {
				if !errors.Is(err, protocol.InvalidParams) || !strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), natstest.SecretPrefix) {
					t.Errorf("the error is %v, want InvalidParams with %q and no secret", err, c.problem)
				}
				return
			}
			if err != nil || (got.option != nil) != c.identity || (got.teamKey != nil) != c.keyed {
				t.Errorf("they are read as %+v, %v", got, err)
			}
		})
	}
}

func TestCredentialsAreTheUsersOwn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "team.json")
	if err := natstest.WriteCredentials(path, natstest.Member, natstest.TeamKey); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" { // which has no modes
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := readCredentials(path, nil); !errors.Is(err, protocol.InvalidParams) || !strings.Contains(err.Error(), "0600") {
			t.Errorf("a file that a group can read is answered %v", err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := readCredentials(path, nil); !errors.Is(err, protocol.InvalidParams) {
			t.Errorf("%s is answered %v", path, err)
		}
	}
	if got, err := readCredentials("", nil); err != nil || got.option != nil {
		t.Errorf("no file is answered %v", err)
	}
}

// TestCredentialsAreForOneRegistry: where the file says whom it is for, whoever can
// set team.registry cannot have them sent to a server of their own.
func TestCredentialsAreForOneRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.creds")
	for _, text := range []string{
		`{"registry": "tls://registry.example.com:4222, tls://b.example.com", "user": "sam", "password": "natstest-secret-x"}`,
		userJWT + registryBlock,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for registry, stranger := range map[string]string{
			"tls://registry.example.com":                          "",
			"tls://Registry.example.com:4222,tls://b.example.com": "",
			"tls://b.example.com:4222":                            "",
			"tls://evil.example.com":                              "tls://evil.example.com",
			"tls://registry.example.com,tls://evil.example.com":   "tls://evil.example.com",
			"tls://registry.example.com:4223":                     "tls://registry.example.com:4223",
			"nats://registry.example.com":                         "nats://registry.example.com",
			"tls://registry.example.com.evil.example":             "tls://registry.example.com.evil.example",
			"tls://evil.example/tls://registry.example.com":       "tls://evil.example",
			"tls://evil.example?tls://registry.example.com":       "tls://evil.example",
			"tls://evil.example#tls://registry.example.com:4222":  "tls://evil.example",
		} {
			r, err := New(Config{Settings: Settings{Team: protocol.Team{Registry: registry, AllowInsecure: true}}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = readCredentials(path, r.servers)
			if stranger == "" && err != nil || stranger != "" && (!errors.Is(err, protocol.InvalidParams) || !strings.Contains(err.Error(), "is not for "+stranger+" ")) {
				t.Errorf("for %s they are answered %v", registry, err)
			}
		}
	}
}

// TestCredentialsForAnotherRegistryAreNotSent: the server that they are not for does
// not even see a connection.
func TestCredentialsForAnotherRegistryAreNotSent(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	evil := providertest.Listen(t, func(net.Conn) { asked <- struct{}{} })
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, []byte(`{"registry": "tls://registry.example.com", "user": "member", "password": "natstest-secret-x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m := joinWith(t, protocol.Team{Registry: "nats://" + evil, CredentialsFile: path}, nil)
	if problem := m.awaitProblem(); problem.Code != protocol.InvalidParams || !strings.Contains(problem.Message, "is not for nats://"+evil) {
		t.Errorf("the problem is %+v", problem)
	}
	if _, err := m.Publish(t.Context(), entry("first"), Version{}); !errors.Is(err, protocol.InvalidParams) {
		t.Errorf("a publication is answered %v, want InvalidParams", err)
	}
	select {
	case <-asked:
		t.Error("the server was connected to")
	default:
	}
}

// TestCredentialsAreHidden: each secret of a creds file is one by itself, in whatever
// text it turns up.
func TestCredentialsAreHidden(t *testing.T) {
	c, err := readDecorated([]byte(userJWT + keyBlock))
	if err != nil {
		t.Fatal(err)
	}
	var known secret.Known
	for _, text := range c.secrets {
		known.Add(text)
	}
	for _, text := range []string{"natstest-secret-jwt", "natstest-secret-seed", natstest.TeamKey} {
		if got := known.Hide("it says " + text + "!"); strings.Contains(got, text) {
			t.Errorf("a text is logged as %q", got)
		}
	}
}
