//go:build keyring

package acceptance

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// A keeper is a person with a desktop, a GitLab, and a data directory.
type keeper struct {
	*desktop
	t       *testing.T
	gitlab  *providertest.GitLab
	sam     providertest.User
	app     providertest.Application
	dataDir string
}

func newKeeper(t *testing.T, confidential bool) *keeper {
	t.Helper()
	gitlab, err := providertest.StartGitLab(providertest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gitlab.Close)
	return &keeper{
		desktop: startDesktop(t), t: t, gitlab: gitlab, dataDir: filepath.Join(t.TempDir(), "data"),
		sam: gitlab.AddUser(providertest.User{Username: "sam"}),
		app: gitlab.AddApplication(providertest.Application{
			Confidential: confidential, RedirectURIs: []string{auth.DefaultRedirectURI}, Scopes: []string{"api"},
		}),
	}
}

// open opens a window that uses the keyring, or is told to leave it alone.
func (k *keeper) open(setting protocol.Keyring) *window {
	k.t.Helper()
	return openWindowWith(k.t, append(k.env(), "CODESTREAM_KEYRING="+string(setting)), k.dataDir, providertest.SecretPrefix+"secret-")
}

func (k *keeper) configure(w *window) {
	k.t.Helper()
	params := protocol.ConfigureParams{URL: k.gitlab.URL(), ClientID: k.app.ID}
	if k.app.Confidential {
		params.ClientSecret = k.app.Secret
	}
	ask(w, protocol.Configure, params)
}

// signIn signs in as a person does, in a browser.
func (k *keeper) signIn(w *window) {
	k.t.Helper()
	s := w.startSignIn(protocol.AuthenticateParams{})
	if _, err := providertest.NewBrowser(k.sam.Username, k.sam.Password, nil).Approve(w.ctx, s.AuthorizeURL); err != nil {
		k.t.Fatal(err)
	}
	if _, err := s.wait(); err != nil {
		k.t.Fatal("authenticate: ", err)
	}
}

// settle starts the keyring, and has a first window configure the instance and sign in.
func (k *keeper) settle() {
	k.t.Helper()
	k.startKeyring()
	w := k.open(protocol.KeyringSystem)
	k.configure(w)
	k.signIn(w)
	w.close()
}

// wantKey checks where the key is: by what status says, the files, and the
// keyring.
func (k *keeper) wantKey(w *window, want protocol.StoreKey, entries int) {
	k.t.Helper()
	if got := ask(w, protocol.Status, protocol.StatusParams{}).Store; got.Key != want || got.DataDir != k.dataDir {
		k.t.Errorf("status says that the store is %+v, want the key in %q", got, want)
	}
	files, err := filepath.Glob(filepath.Join(k.dataDir, "key*"))
	if err != nil || (len(files) == 1) != (want == protocol.StoreKeyFile) || len(files) > 1 {
		k.t.Errorf("the key files are %q, %v", files, err)
	}
	if entries < 0 {
		return
	}
	if got := k.entries(); len(got) != entries {
		k.t.Errorf("the keyring holds %q, want %d", got, entries)
	}
}

func (k *keeper) wantToken(w *window) {
	k.t.Helper()
	if got := ask(w, protocol.Token, protocol.TokenParams{}); got.AccessToken == "" {
		k.t.Error("there is no token")
	}
	if user := ask(w, protocol.CurrentUser, protocol.CurrentUserParams{}); user.Username != k.sam.Username {
		k.t.Errorf("GitLab takes the token for that of %q", user.Username)
	}
}

// keyringCheck is what diagnose says of the keyring.
func keyringCheck(w *window) (found protocol.Check) {
	w.t.Helper()
	for _, check := range ask(w, protocol.Diagnose, protocol.DiagnoseParams{}).Checks {
		if check.Name == "keyring" {
			return check
		}
	}
	w.t.Error("diagnose says nothing of the keyring")
	return found
}

func wantCheck(w *window, status protocol.CheckStatus, words string) {
	w.t.Helper()
	if got := keyringCheck(w); got.Status != status || !strings.Contains(got.Detail, words) || (got.Hint == "") != (status == protocol.CheckPass) {
		w.t.Errorf("diagnose says of the keyring %+v, want %s with %q", got, status, words)
	}
}

func TestTheKeyringHasTheKey(t *testing.T) {
	k := newKeeper(t, true)
	k.startKeyring()
	w := k.open(protocol.KeyringSystem)
	k.wantKey(w, protocol.StoreKeyNone, 0)
	k.configure(w)
	k.signIn(w)
	k.wantKey(w, protocol.StoreKeyKeyring, 1)
	w.close()

	w = k.open(protocol.KeyringSystem)
	k.wantToken(w)
	k.wantKey(w, protocol.StoreKeyKeyring, 1)
	wantCheck(w, protocol.CheckPass, "holds the key")
	ask(w, protocol.Unconfigure, protocol.UnconfigureParams{Instance: k.gitlab.URL()})
	k.wantKey(w, protocol.StoreKeyNone, 0)
}

func TestALockedKeyringIsWaitedFor(t *testing.T) {
	k := newKeeper(t, true)
	k.settle()

	k.lock()
	w := k.open(protocol.KeyringSystem)
	before := k.gitlab.Count(http.MethodPost, "/oauth/token")
	_, err := call(w, protocol.Token, protocol.TokenParams{})
	data := refused(t, err, protocol.SignInRequired)
	if data.Details == nil || data.Details.Cause != "keyLocked" || !strings.Contains(data.Message, "keyring") || !strings.Contains(data.Hint, "Unlock") {
		t.Errorf("the error is %+v", data)
	}
	t.Log(data.Message)
	wantCheck(w, protocol.CheckFail, "keyring")
	if instances := ask(w, protocol.Status, protocol.StatusParams{}).Instances; len(instances) != 1 || instances[0].Auth.State != protocol.StateSignedIn {
		t.Errorf("the state is %+v", instances)
	}
	if got := k.gitlab.Count(http.MethodPost, "/oauth/token"); got != before {
		t.Errorf("GitLab was asked for tokens %d times", got-before)
	}

	k.unlock()
	k.wantToken(w)
	k.wantKey(w, protocol.StoreKeyKeyring, 1)
}

// Who cannot unlock the keyring configures and signs in again, and has all of it
// in the keyring when that is unlocked one day.
func TestASignInWhileTheKeyringIsLocked(t *testing.T) {
	k := newKeeper(t, true)
	k.settle()

	k.lock()
	w := k.open(protocol.KeyringSystem)
	_, err := call(w, protocol.Authenticate, protocol.AuthenticateParams{})
	if data := refused(t, err, protocol.InvalidClient); !strings.Contains(data.Hint, "configure the instance again") {
		t.Errorf("the error is %+v", data)
	}
	k.configure(w)
	k.signIn(w)
	k.wantToken(w)
	k.wantKey(w, protocol.StoreKeyFile, 1)
	w.close()

	k.unlock()
	w = k.open(protocol.KeyringSystem)
	k.wantToken(w)
	k.signIn(w)
	k.wantKey(w, protocol.StoreKeyKeyring, 1)
}

func TestAnEntryThatIsDeletedIsCuredByASignIn(t *testing.T) {
	k := newKeeper(t, false)
	k.settle()

	k.forget()
	w := k.open(protocol.KeyringSystem)
	_, err := call(w, protocol.Token, protocol.TokenParams{})
	if data := refused(t, err, protocol.SignInRequired); data.Details == nil || data.Details.Cause != auth.ReasonKeyLost {
		t.Errorf("the error is %+v", data)
	}
	instances := ask(w, protocol.Status, protocol.StatusParams{}).Instances
	if len(instances) != 1 || instances[0].Auth.State != protocol.StateSignInRequired || instances[0].Auth.Reason != auth.ReasonKeyLost {
		t.Errorf("the state is %+v", instances)
	}
	k.signIn(w)
	k.wantToken(w)
	k.wantKey(w, protocol.StoreKeyKeyring, 1)
}

// The keyring appears after the first sign-in, and is switched off later.
func TestTheKeyMovesIntoTheKeyringAndBack(t *testing.T) {
	k := newKeeper(t, true)
	w := k.open(protocol.KeyringSystem)
	k.configure(w)
	k.signIn(w)
	k.wantKey(w, protocol.StoreKeyFile, -1)
	wantCheck(w, protocol.CheckWarn, "nothing in this session offers")
	w.close()

	k.startKeyring()
	w = k.open(protocol.KeyringSystem)
	k.wantToken(w)
	wantCheck(w, protocol.CheckWarn, "the keyring answers")
	k.signIn(w)
	k.wantKey(w, protocol.StoreKeyKeyring, 1)
	w.close()

	w = k.open(protocol.KeyringOff)
	k.wantToken(w)
	k.signIn(w)
	k.wantKey(w, protocol.StoreKeyFile, 0)
	wantCheck(w, protocol.CheckWarn, "switched off")
	w.close()
	w = k.open(protocol.KeyringOff)
	k.wantToken(w)
}

// The keyring takes every question and answers none, as one does that waits for a
// person who is not there.
func TestAKeyringThatHangsIsDoneWithout(t *testing.T) {
	k := newKeeper(t, true)
	questions := k.hang()
	w := k.open(protocol.KeyringSystem)
	k.configure(w)
	k.signIn(w)
	k.wantKey(w, protocol.StoreKeyFile, -1)
	if len(questions) == 0 {
		t.Error("the keyring was not asked")
	}
	k.wantToken(w)
	wantCheck(w, protocol.CheckWarn, "waiting for you")
}

// BenchmarkInitialize measures from the spawn of the agent to its answer to
// initialize, with a keyring that hangs and without any. The two take turns;
// compare the medians.
func BenchmarkInitialize(b *testing.B) {
	var with, without []time.Duration
	run := func(env []string) time.Duration {
		began := time.Now()
		process := sessiontest.Binary(agentPath)(b, filepath.Join(b.TempDir(), "data"), env)
		editor := sessiontest.NewEditor(process.Stdin, process.Stdout)
		params := protocol.InitializeParams{ClientInfo: &protocol.Info{Name: "benchmark"}}
		if err := editor.Call(b.Context(), protocol.Initialize.Method(), params, nil); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		if err := editor.Close(); err != nil {
			b.Fatal(err)
		}
		process.Wait()
		return took
	}
	d := startDesktop(b)
	d.hang()
	for b.Loop() {
		with = append(with, run(append(d.env(), "CODESTREAM_KEYRING=system")))
		without = append(without, run([]string{"CODESTREAM_KEYRING=off"}))
	}
	slices.Sort(with)
	slices.Sort(without)
	b.ReportMetric(with[len(with)/2].Seconds()*1e3, "hanging-ms")
	b.ReportMetric(without[len(without)/2].Seconds()*1e3, "off-ms")
	b.ReportMetric(0, "ns/op")
}
