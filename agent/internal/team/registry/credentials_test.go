package registry

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	userJWT = "-----BEGIN NATS USER JWT-----\nnatstest-secret-jwt\n------END NATS USER JWT------\n" +
		"-----BEGIN USER NKEY SEED-----\nnatstest-secret-seed\n------END USER NKEY SEED------\n"
	keyBlock = "-----BEGIN CODESTREAM TEAM KEY-----\n" + natstest.TeamKey + "\n------END CODESTREAM TEAM KEY------\n"
)

func TestCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		text            string
		identity, keyed bool
		problem         string // in the error
	}{
		"user and password":    {text: `{"user": "sam", "password": "natstest-secret-x", "teamKey": "` + natstest.TeamKey + `"}`, identity: true, keyed: true},
		"token":                {text: `{"token": "natstest-secret-x"}`, identity: true},
		"only a key":           {text: `{"teamKey": "` + natstest.TeamKey + `"}`, keyed: true},
		"creds":                {text: userJWT, identity: true},
		"creds with a key":     {text: userJWT + keyBlock, identity: true, keyed: true},
		"Windows' line ends":   {text: strings.ReplaceAll(userJWT+keyBlock, "\n", "\r\n"), identity: true, keyed: true},
		"a key that is short":  {text: `{"teamKey": "bmF0c3Rlc3Qtc2VjcmV0"}`, problem: "base64 of 32 bytes"},
		"a block that is junk": {text: userJWT + strings.ReplaceAll(keyBlock, "YmF0", "####") + "-----BEGIN CODESTREAM TEAM KEY-----\nbmF0c3Rlc3Qtc2VjcmV0\n------END CODESTREAM TEAM KEY------\n", identity: true, keyed: true},
		"a short block":        {text: userJWT + "-----BEGIN CODESTREAM TEAM KEY-----\nbmF0c3Rlc3Qtc2VjcmV0\n------END CODESTREAM TEAM KEY------\n", problem: "base64 of 32 bytes"},
		"user and token":       {text: `{"user": "sam", "token": "natstest-secret-x"}`, problem: "both"},
		"junk":                 {text: "natstest-secret-junk", problem: "neither"},
		"an unknown field":     {text: `{"user": "sam", "natstest-secret-field": 1}`, problem: "neither"},
		"two documents":        {text: `{"token": "natstest-secret-x"} {"token": "natstest-secret-y"}`, problem: "neither"},
		"empty":                {text: "", problem: "neither"},
		"too large":            {text: strings.Repeat(" ", maxCredentials) + `{"token": "x"}`, problem: "larger"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "team.creds")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readCredentials(path)
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
		if _, err := readCredentials(path); !errors.Is(err, protocol.InvalidParams) || !strings.Contains(err.Error(), "0600") {
			t.Errorf("a file that a group can read is answered %v", err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := readCredentials(path); !errors.Is(err, protocol.InvalidParams) {
			t.Errorf("%s is answered %v", path, err)
		}
	}
	if got, err := readCredentials(""); err != nil || got.option != nil {
		t.Errorf("no file is answered %v", err)
	}
}
