package sessiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// An action is what a step after "!" does.
type action func(ctx context.Context, s *session) error

func parseOutside(text string) (action, error) {
	a := newArgs(text)
	var act action
	switch subject := a.word("who"); subject {
	case "browser":
		act = parseBrowser(a)
	case "page":
		act = parsePage(a)
	case "store":
		act = parseStore(a)
	case "editor":
		act = parseAnswers(a)
	case "file":
		act = parseFile(a)
	case "restart", "kill", "start", "closes", "exits":
		act = parseProcess(subject, a)
	default:
		act = parseGitLabDoes(subject, a)
	}
	return act, a.end()
}

// parseProcess reads what happens to the agent of a window.
func parseProcess(verb string, a *args) action {
	status := 0
	switch verb {
	case "closes":
		a.expect("stdin")
	case "exits":
		status = a.number("the status")
	}
	number := a.numberOr(1, "the window")
	if verb == "start" {
		return func(ctx context.Context, s *session) error {
			if _, err := s.window(number); err == nil {
				return fmt.Errorf("the agent of window %d is running", number)
			}
			return s.start(ctx, number)
		}
	}
	return func(ctx context.Context, s *session) error {
		w, err := s.window(number)
		if err != nil {
			return err
		}
		switch verb {
		case "closes":
			w.editor.CloseStdin()
		case "exits":
			return s.awaitExit(ctx, w, &status)
		case "kill":
			s.kill(w)
		case "restart":
			if err := s.end(ctx, w); err != nil {
				return err
			}
			return s.start(ctx, number)
		}
		return nil
	}
}

// parseAnswers reads: editor answers METHOD by hand | result JSON | error CODE "message".
func parseAnswers(a *args) action {
	a.expect("answers")
	method := a.word("the method")
	var answer Answer
	switch how := a.word("the answer"); how {
	case "by":
		a.expect("hand")
		answer = ByHand
	case "result":
		answer = Always(json.RawMessage(a.json()))
	case "error":
		refusal, _ := parseRefusal(a)
		answer = func(json.RawMessage) (any, *ResponseError) { return nil, refusal }
	default:
		a.fail("an editor does not answer %q", how)
	}
	return func(_ context.Context, s *session) error {
		if s.profile.answers == nil {
			s.profile.answers = map[string]Answer{}
		}
		s.profile.answers[method] = answer // for windows to come
		for _, w := range s.windows {
			if w != nil {
				w.editor.Answer(method, answer)
			}
		}
		return nil
	}
}

// parseFile reads: file PATH PATTERN, of a file in the workspace.
func parseFile(a *args) action {
	path := a.word("the file")
	if a.next("absent") {
		return func(_ context.Context, s *session) error {
			if _, err := os.Stat(filepath.Join(s.workspace, filepath.FromSlash(path))); err == nil {
				return fmt.Errorf("the file %s is there", path)
			}
			return nil
		}
	}
	pattern := a.json()
	return func(_ context.Context, s *session) error {
		data, err := os.ReadFile(filepath.Join(s.workspace, filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		if diffs := s.compare(Step{form: incoming, body: pattern}, &Message{Params: data}, false); diffs != nil {
			return fmt.Errorf("the file %s:\n  %s", path, strings.Join(diffs, "\n  "))
		}
		return nil
	}
}

// parseGitLabDoes reads what happens at an instance.
func parseGitLabDoes(name string, a *args) action {
	do := func(act func(*gitlab, *session)) action {
		return func(_ context.Context, s *session) error {
			g, err := s.world.gitlab(name)
			if err == nil {
				act(g, s)
			}
			return err
		}
	}
	switch verb := a.word("what happens"); verb {
	case "revokes":
		user := a.word("the user")
		return do(func(g *gitlab, _ *session) { g.RevokeTokens(user) })
	case "expires":
		user := a.word("the user")
		return do(func(g *gitlab, _ *session) { g.ExpireTokens(user) })
	case "blocks":
		user := a.word("the user")
		return do(func(g *gitlab, _ *session) {
			blocked := g.user(user)
			blocked.Blocked = true
			g.AddUser(blocked)
		})
	case "renews":
		a.expect("the", "secret")
		return do(func(g *gitlab, s *session) { s.vars[name+".clientSecret"] = g.RenewSecret(g.app.ID) })
	case "goes":
		a.expect("down")
		return do(func(g *gitlab, _ *session) { g.SetDown(true) })
	case "comes":
		a.expect("up")
		return do(func(g *gitlab, _ *session) { g.SetDown(false) })
	case "fault":
		return parseFault(name, a)
	case "release":
		return do(func(g *gitlab, _ *session) { g.release() })
	case "recovers":
		return do(func(g *gitlab, _ *session) { g.ClearFaults() })
	case "awaits":
		method, path, n := a.word("the HTTP method"), a.word("the path"), a.numberOr(1, "the number of requests")
		return func(ctx context.Context, s *session) error {
			g, err := s.world.gitlab(name)
			if err != nil {
				return err
			}
			before, _ := g.count(method, path)
			return g.Await(ctx, method, path, before+n)
		}
	case "counts":
		method, path, n := a.word("the HTTP method"), a.word("the path"), a.number("the number of requests")
		return func(_ context.Context, s *session) error {
			g, err := s.world.gitlab(name)
			if err != nil {
				return err
			}
			if _, since := g.count(method, path); since != n {
				return fmt.Errorf("%s has had %d requests %s %s, want %d", name, since, method, path, n)
			}
			return nil
		}
	default:
		a.fail("unknown: %q %q", name, verb)
		return nil
	}
}

// parseFault reads: fault ENDPOINT WHAT… [times N].
func parseFault(name string, a *args) action {
	endpoint := providertest.Endpoint(a.word("the endpoint"))
	var f providertest.Fault
	hold := false
	for !a.empty() && a.err == nil {
		switch word := a.word("what goes wrong"); word {
		case "status":
			f.Status = a.number("the status")
		case "body":
			f.Body = a.word("the body")
		case "type":
			f.ContentType = a.word("the content type")
		case "rate-limit":
			f.Status, f.RetryAfter = http.StatusTooManyRequests, a.number("the seconds")
		case "delay":
			f.Delay = a.duration("the delay")
		case "drop-before":
			f.DropBefore = true
		case "drop-after":
			f.DropAfter = true
		case "html":
			f.HTML = true
		case "hold":
			hold = true
		case "times":
			f.Times = a.number("how often")
		default:
			a.fail("a fault is not %q", word)
		}
	}
	return func(_ context.Context, s *session) (err error) {
		g, err := s.world.gitlab(name)
		if err != nil {
			return err
		}
		if hold {
			f.Hold = g.hold()
		}
		defer func() { // an endpoint that does not exist
			if p := recover(); p != nil {
				err = fmt.Errorf("%v", p)
			}
		}()
		g.SetFault(endpoint, f)
		return nil
	}
}
