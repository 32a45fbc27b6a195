package agent

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// The answers to the question whether an instance that a file offers may be used.
const (
	useIt  = "Use It"
	notNow = "Not Now"
)

// usable returns an instance that may be used: Untrusted for one that a file in the
// workspace offers, and that the user has not let be used.
func usable(in team.Instance, err error) (team.Instance, error) {
	if err == nil && in.NeedsApproval {
		err = untrusted(in)
	}
	return in, err
}

func untrusted(in team.Instance) error {
	return &protocol.Error{
		Code:     protocol.Untrusted,
		Message:  in.ID + " is named by " + in.Origin + ", and you have not let it be used",
		Hint:     "Sign in with gitlabSM/authenticate: you are asked then. Or trust the workspace in the editor.",
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{File: in.Origin},
	}
}

// approved asks the user whether an instance may be used that a file offers. It
// returns Untrusted where they do not say so.
func (a *Agent) approved(ctx context.Context, s *session, in team.Instance) (team.Instance, error) {
	if !in.NeedsApproval {
		return in, nil
	}
	a.mu.Lock()
	e := a.client.editor
	a.mu.Unlock()
	answer, err := ask(ctx, e, protocol.ShowMessageRequest, protocol.ShowMessageRequestParams{
		Type: protocol.MessageInfo, Message: question(in),
		Actions: []protocol.MessageActionItem{{Title: useIt}, {Title: notNow}},
	})
	if err != nil {
		a.log.Info("the user could not be asked about an instance", "instance", in.ID, "error", err)
	}
	if err != nil || answer == nil || answer.Title != useIt {
		return in, untrusted(in)
	}
	err = s.store.Update(func(tx *store.Tx) error { return team.Approve(tx, in) })
	if err != nil {
		return in, err
	}
	s.news.announce()
	return usable(s.team.Resolve(in.ID)) // the file may have changed meanwhile
}

func question(in team.Instance) string {
	text := fmt.Sprintf("%s names the GitLab instance %s. Let CodeStream use it? You would sign in there, in your browser.", in.Origin, in.ID)
	if strings.HasPrefix(in.ID, "http://") {
		text += " It is reached without encryption."
	}
	return text
}

// offer asks, once a session, about each instance that a file offers.
func (a *Agent) offer(s *session, offered []team.Instance) {
	for _, in := range offered {
		if !in.NeedsApproval {
			continue
		}
		if _, asked := s.offered.LoadOrStore(in.Folder+"\n"+in.ID, true); !asked {
			a.dispatcher.work.Go(func() { _, _ = a.approved(s.ctx, s, in) }) // what they say is kept, or it is not used
		}
	}
}

// localFolders returns the paths of the folders of the workspace that are on this
// machine, in the editor's order.
func localFolders(folders []protocol.WorkspaceFolder) (paths []string) {
	for _, folder := range folders {
		if path := localPath(folder.URI); path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// localPath returns the path of a file URI (RFC 8089), or "".
func localPath(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || u.Path == "" {
		return ""
	}
	path := u.Path
	if runtime.GOOS == "windows" { // file:///C:/folder
		path = strings.TrimPrefix(path, "/")
	}
	path = filepath.Clean(filepath.FromSlash(path))
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return ""
	}
	return path
}

// firstFolder returns the path of the first folder of the workspace that is on this
// machine, or "".
func (a *Agent) firstFolder() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if paths := localFolders(a.folders); len(paths) > 0 {
		return paths[0]
	}
	return ""
}
