package agent

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
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
	if ctx.Err() != nil { // they have given up the sign-in, and answered nothing
		return in, ctx.Err()
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
	if where := auth.RedirectElsewhere(in.RedirectURI); where != "" {
		text += " The sign-in would come back by way of " + where + "."
	}
	return text
}

// offer asks about each instance that a file offers: once a session, one after
// another, and after a no nothing more of that folder.
func (a *Agent) offer(s *session, instances []team.Instance) {
	if a.config.NoOffers {
		return
	}
	var open []team.Instance
	for _, in := range instances {
		if in.NeedsApproval && s.offers.isNew(in) {
			open = append(open, in)
		}
	}
	if len(open) == 0 {
		return
	}
	a.dispatcher.work.Go(func() {
		s.offers.asking.Lock()
		defer s.offers.asking.Unlock()
		declined := map[string]bool{} // by folder
		for _, in := range open {
			if !declined[in.Folder] {
				_, err := a.approved(s.ctx, s, in) // what they say is kept, or it is not used
				declined[in.Folder] = err != nil
			}
		}
	})
}

// offers are the instances about which the user was asked in this session.
type offers struct {
	asking sync.Mutex // held while the user is asked, so that one question is open
	known  sync.Map   // by team.Offer
}

// isNew reports whether an offer was not made before, and notes that it is now.
func (o *offers) isNew(in team.Instance) bool {
	_, known := o.known.LoadOrStore(team.Offer(in), true)
	return !known
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
	if !filepath.IsAbs(path) || strings.ContainsAny(path, "\x00\n") {
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
