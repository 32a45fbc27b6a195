package providertest

import (
	"crypto/rand"
	"slices"
	"strings"
)

// SecretPrefix starts every secret that is made here, so that a search through
// logs, messages and files for this one word finds any that leaked.
const SecretPrefix = "glfake-"

// The kinds of secret, each with a prefix of its own below [SecretPrefix].
const (
	kindClientSecret  = "cs"
	kindAccessToken   = "at"
	kindRefreshToken  = "rt"
	kindCode          = "code"
	kindPersonalToken = "pat"
	kindDeviceCode    = "dc"
	kindPassword      = "pw"
)

// secretFields are the parameters that carry a secret, in a form or, wrongly, in
// a query.
var secretFields = []string{
	"access_token", "client_assertion", "client_secret", "code", "code_verifier",
	"device_code", "job_token", "private_token", "refresh_token", "token",
}

// secrets remembers every secret that was made or received.
type secrets struct {
	known map[string]bool
	order []string
}

func newSecrets() secrets { return secrets{known: map[string]bool{}} }

// mint makes a secret.
func (s *secrets) mint(kind string) string {
	secret := SecretPrefix + kind + "-" + rand.Text()
	s.learn(secret)
	return secret
}

// learn remembers a secret. One that is too short to be told from a common word
// is left out: a search for it would only mislead.
func (s *secrets) learn(secret string) {
	if len(secret) >= 8 && !s.known[secret] {
		s.known[secret] = true
		s.order = append(s.order, secret)
	}
}

// secretIn reports whether the text is or holds a secret.
func (s *secrets) secretIn(text string) bool {
	return s.known[text] || strings.Contains(text, SecretPrefix)
}

// Secrets lists every secret that was ever issued or received, oldest first:
// client secrets, access, refresh and personal access tokens, authorization
// codes, and the code verifiers and made-up values that clients sent. None of
// them may turn up in a log.
func (g *GitLab) Secrets() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.order)
}
