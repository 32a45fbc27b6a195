package sessiontest

import (
	"context"
	"net/http/httptest"
	"net/url"

	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// sendOn is a relay at the redirect URI, to which a browser has come with
// ${callbackUrl}. The browser goes where the relay sends it.
func sendOn(_ context.Context, s *session) error {
	callback, err := url.Parse(s.vars["callbackUrl"])
	if err != nil {
		return err
	}
	s.world.browse(func(ctx context.Context) (*providertest.Page, error) {
		server := httptest.NewServer(relay.Handler(callback.Path))
		defer server.Close()
		return providertest.NewBrowser("", "", nil).Open(ctx, server.URL+callback.Path+"?"+callback.RawQuery)
	})
	return nil
}
