//go:build doorkeeper

package acceptance

import (
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestPastedCallback is the person whose browser is on another machine, where the
// callback finds nobody: they paste its URL. It serves once.
func TestPastedCallback(t *testing.T) {
	t.Parallel()
	d := startDoorkeeper(t, nil, standard())
	w := d.openConfigured(t.TempDir())
	s := w.startSignIn(protocol.AuthenticateParams{})
	callback, err := d.browser().ApproveUntilCallback(w.ctx, s.AuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	pasted := protocol.CompleteAuthenticationParams{CallbackURL: callback}
	ask(w, protocol.CompleteAuthentication, pasted)
	d.checkUse(w, s.account())
	_, err = call(w, protocol.CompleteAuthentication, pasted)
	refused(t, err, protocol.CallbackRejected)
}

// TestUntrustedAuthority configures an instance whose certificate no system trusts,
// without the authority's file and with it.
func TestUntrustedAuthority(t *testing.T) {
	t.Parallel()
	app := standard()
	d := startDoorkeeper(t, nil, app).behindTLS(t, newAuthority(t))
	w := openWindow(t, t.TempDir(), app.Secret)
	params := protocol.ConfigureParams{URL: d.url, ClientID: app.UID, ClientSecret: app.Secret}
	_, err := call(w, protocol.Configure, params)
	if data := refused(t, err, protocol.CertificateUntrusted); data.Instance != d.url || data.Hint == "" {
		t.Errorf("the error is %+v", data)
	}
	params.Network = d.network()
	ask(w, protocol.Configure, params)
}
