package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// What the editor no longer reads must not keep the agent.
func TestTheAgentEndsThoughNobodyReads(t *testing.T) {
	r := start(t, nil).initialize(nil)
	r.instances()
	if closer, ok := r.Stdout.(io.Closer); ok {
		closer.Close()
	}
	r.notify("gitlabSM/nothing", nil)
	r.CloseStdin()
	r.wantEnd(1)
}

// An editor may have closed stderr before it sends anything.
func TestAClosedStderrEndsNothing(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	cmd := exec.Command(build(t, "./cmd/codestream-agent"), "-log-level", "info") // which logs that it begins
	cmd.Stderr = write
	r := spawn(t, cmd)
	write.Close()
	r.initialize(nil)
	r.instances()
	r.CloseStdin()
	r.wantEnd(1)
}

// An editor that dies takes the pipes with it. A refresh under way is still saved:
// GitLab has burnt the old token.
func TestARefreshIsSavedThoughTheEditorIsGone(t *testing.T) {
	refreshing, release := make(chan struct{}), make(chan struct{})
	gitlab := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/oauth/token" {
			close(refreshing)
			<-release
			fmt.Fprint(w, `{"access_token": "glfake-new", "refresh_token": "glfake-next", "token_type": "Bearer", "expires_in": 7200}`)
		}
	}))
	defer gitlab.Close()
	dir := signedIn(t, gitlab.URL)
	key := store.AccountKey{Instance: gitlab.URL, Account: "1"}
	err := store.New(dir, store.Options{}).Update(func(tx *store.Tx) error {
		account, err := tx.Account(key)
		account.IssuedAt, account.ExpiresAt = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		return errors.Join(err, tx.PutAccount(account, store.Tokens{Access: secret.New("glfake-old"), Refresh: secret.New("glfake-refresh")}))
	})
	if err != nil {
		t.Fatal(err)
	}
	process := sessiontest.Binary(build(t, "./cmd/codestream-agent"))(t, dir, nil)
	r := connect(t, process).initialize(nil)
	if err := r.Request(json.RawMessage("1"), protocol.Token.Method(), nil); err != nil {
		t.Fatal(err)
	}
	<-refreshing
	if err := process.Stdout.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	r.notify("gitlabSM/nothing", nil)
	if err := r.Request(json.RawMessage("2"), "gitlabSM/nothing", nil); err != nil { // the answer finds the pipe closed
		t.Fatal(err)
	}
	close(release)
	if status := r.Wait(); status != 1 {
		t.Errorf("the agent ended with status %d, want 1; stderr:\n%s", status, r.Stderr())
	}
	var saved store.Tokens
	err = store.New(dir, store.Options{}).View(func(tx *store.Tx) (err error) {
		saved, err = tx.Tokens(key)
		return err
	})
	if err != nil || saved.Access.Reveal() != "glfake-new" || saved.Refresh.Reveal() != "glfake-next" {
		t.Errorf("the new tokens are not saved: %v; stderr:\n%s", err, r.Stderr())
	}
}
