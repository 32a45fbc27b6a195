package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// seen notes a secret, so that it is hidden wherever the log or an error would show
// it.
func (a *Agent) seen(s secret.Text) { a.known.Add(s) }

// seenCallback notes what a callback carries.
func (a *Agent) seenCallback(callbackURL string) {
	if u, err := url.Parse(callbackURL); err == nil { // else nobody will take it
		a.seenQuery(u.Query())
	}
}

func (a *Agent) seenQuery(query url.Values) {
	for _, name := range []string{"code", "state"} {
		for _, value := range query[name] {
			a.seen(secret.New(value))
		}
	}
}

// guard hides secrets in the errors of all methods.
func (a *Agent) guard(t table) table {
	for method, h := range t {
		prepare := h.prepare
		h.prepare = func(params json.RawMessage) (func(context.Context) (any, error), error) {
			run, err := prepare(params)
			return func(ctx context.Context) (any, error) {
				result, err := run(ctx)
				return result, a.withoutSecrets(err)
			}, err
		}
		t[method] = h
	}
	return t
}

// withoutSecrets hides secrets in what an error tells the user: GitLab's own words
// are in some, and a proxy or a plugin of GitLab's may repeat in its answer what it
// was sent.
func (a *Agent) withoutSecrets(err error) error {
	var told *protocol.Error
	if !errors.As(err, &told) {
		return err
	}
	clean := *told
	clean.Message, clean.Hint, clean.Err = a.known.Hide(told.Message), a.known.Hide(told.Hint), err
	if told.Details != nil {
		details := *told.Details
		details.Text = a.known.Hide(details.Text)
		clean.Details = &details
	}
	return &clean
}
