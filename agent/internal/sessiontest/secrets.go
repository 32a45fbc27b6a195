package sessiontest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// needles are the secrets to look for.
type needles [][]byte

// needles lists the prefix of all that the fakes made, and what was made
// elsewhere: code verifiers, and values that a script made up.
func (w *world) needles() needles {
	list := needles{[]byte(providertest.SecretPrefix), []byte(natstest.SecretPrefix), []byte(natstest.TeamKey), []byte(natstest.OtherTeamKey)}
	for _, g := range w.gitlabs {
		for _, secret := range g.Secrets() {
			if len(secret) >= 8 && !strings.Contains(secret, providertest.SecretPrefix) {
				list = append(list, []byte(secret))
			}
		}
	}
	return list
}

// in returns the first secret in a text, with a little of what follows it, or "".
func (n needles) in(text []byte) string {
	for _, needle := range n {
		if at := bytes.Index(text, needle); at >= 0 {
			return string(text[at:min(len(text), at+len(needle)+24)])
		}
	}
	return ""
}

// checkSecrets looks for secrets in all that came out of the agents: frames,
// stderr, files, and the pages that they showed.
func (s *session) checkSecrets() error {
	secrets := s.world.needles()
	var leaks []error
	look := func(text []byte, format string, values ...any) {
		if found := secrets.in(text); found != "" {
			where := fmt.Sprintf(format, values...)
			leaks = append(leaks, fmt.Errorf("a secret has leaked: %q is in %s", found, where))
		}
	}
	for _, w := range s.every {
		for _, m := range w.editor.Messages() {
			look(withoutAccessToken(m), "the message %s", clip(string(m.Raw), maxShown))
		}
		stderr := w.proc.Stderr()
		look([]byte(stderr), "stderr:\n%s", clip(stderr, 4000))
	}
	for _, page := range s.world.pages {
		look([]byte(page.Body), "the browser's page:\n%s", clip(page.Body, maxShown))
		for name, values := range page.Header {
			look([]byte(strings.Join(values, "\n")), "the header %s of the browser's page", name)
		}
	}
	err := filepath.WalkDir(s.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		look(content, "the file %s", strings.TrimPrefix(path, s.root))
		return err
	})
	if s.script.Name != "" && leaks != nil {
		leaks = slices.Insert(leaks, 0, errors.New(s.script.Name+":"))
	}
	return errors.Join(append(leaks, err)...)
}

// withoutAccessToken returns a message without the one secret that an agent may
// send: the accessToken in the answer to gitlabSM/token.
func withoutAccessToken(m *Message) []byte {
	if m.Answers != protocol.Token.Method() || m.Result == nil {
		return m.Raw
	}
	var result protocol.TokenResult
	if json.Unmarshal(m.Result, &result) != nil || result.AccessToken == "" {
		return m.Raw
	}
	return bytes.Replace(m.Raw, []byte(result.AccessToken), nil, 1)
}

// checkViolations asks the fakes what the agents did that no careful client does.
func (s *session) checkViolations() error {
	if s.violationsExpected {
		return nil
	}
	var errs []error
	for _, g := range s.world.gitlabs {
		for _, violation := range g.Violations() {
			errs = append(errs, fmt.Errorf("%s: %s found a violation: %s", s.script.Name, g.name, violation))
		}
	}
	return errors.Join(errs...)
}
