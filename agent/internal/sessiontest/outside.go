package sessiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/teamcodestream/codestream-agent/protocol/script"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// An action is what a step after "!" does.
type action func(ctx context.Context, s *session) error

func parseOutside(text string) (action, error) {
	words := script.NewWords(text)
	var act action
	switch subject := words.Word("who"); subject {
	case "browser":
		act = parseBrowser(words)
	case "page":
		act = parsePage(words)
	case "relay":
		words.Expect("sends", "the", "browser", "on")
		act = sendOn
	case "store":
		act = parseStore(words)
	case "credentials":
		act = parseCredentials(words)
	case "editor":
		act = parseAnswers(words)
	case "file":
		act = parseFile(words)
	case "writes", "removes", "links":
		act = parseChange(subject, words)
	case "restart", "kill", "start", "closes", "exits":
		act = parseProcess(subject, words)
	default:
		act = parseGitLabDoes(subject, words)
	}
	return act, words.End()
}

// parseProcess reads what happens to the agent of a window.
func parseProcess(verb string, words *script.Words) action {
	status := 0
	switch verb {
	case "closes":
		words.Expect("stdin")
	case "exits":
		status = words.Number("the status")
	}
	number := words.NumberOr(1, "the window")
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
			w.left = true
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
func parseAnswers(words *script.Words) action {
	words.Expect("answers")
	method := words.Word("the method")
	var answer Answer
	switch how := words.Word("the answer"); how {
	case "by":
		words.Expect("hand")
		answer = ByHand
	case "result":
		answer = Always(json.RawMessage(words.JSON()))
	case "error":
		refusal := words.Refusal()
		answer = func(json.RawMessage) (any, *ResponseError) { return nil, responseError(refusal) }
	default:
		words.Fail("an editor does not answer %q", how)
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

// parseGitLabDoes reads what happens at an instance.
func parseGitLabDoes(name string, words *script.Words) action {
	do := func(act func(*gitlab, *session)) action {
		return func(_ context.Context, s *session) error {
			g, err := s.world.gitlab(name)
			if err == nil {
				act(g, s)
			}
			return err
		}
	}
	switch verb := words.Word("what happens"); verb {
	case "revokes", "expires":
		if words.Next("token") {
			return parseTokenEnds(do, verb, words)
		}
		user := words.Word("the user")
		if verb == "revokes" {
			return do(func(g *gitlab, _ *session) { g.RevokeTokens(user) })
		}
		return do(func(g *gitlab, _ *session) { g.ExpireTokens(user) })
	case "makes":
		return parseMakesToken(do, words)
	case "blocks":
		user := words.Word("the user")
		return do(func(g *gitlab, _ *session) {
			blocked := g.user(user)
			blocked.Blocked = true
			g.AddUser(blocked)
		})
	case "renews":
		words.Expect("the", "secret")
		return do(func(g *gitlab, s *session) { s.vars[name+".clientSecret"] = g.RenewSecret(g.app.ID) })
	case "upgrades":
		words.Expect("to")
		version := words.Word("the version")
		return do(func(g *gitlab, _ *session) { g.Upgrade(version) })
	case "has":
		return parseRegistryHas(name, words)
	case "loses":
		return parseRegistryLoses(name, words)
	case "goes":
		words.Expect("down")
		return goes(name, true)
	case "comes":
		words.Expect("up")
		return goes(name, false)
	case "fault":
		return parseFault(name, words)
	case "release":
		return do(func(g *gitlab, _ *session) { g.release() })
	case "recovers":
		return do(func(g *gitlab, _ *session) { g.ClearFaults() })
	case "awaits":
		method, path, n := words.Word("the HTTP method"), words.Word("the path"), words.NumberOr(1, "the number of requests")
		return func(ctx context.Context, s *session) error {
			g, err := s.world.gitlab(name)
			if err != nil {
				return err
			}
			before, _ := g.count(method, path)
			return g.Await(ctx, method, path, before+n)
		}
	case "counts":
		method, path, n := words.Word("the HTTP method"), words.Word("the path"), words.Number("the number of requests")
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
		words.Fail("unknown: %q %q", name, verb)
		return nil
	}
}

// goes takes an instance, or a registry, off the network or puts it back.
func goes(name string, down bool) action {
	return func(_ context.Context, s *session) error {
		if r := s.world.registries[name]; r != nil {
			if down {
				return r.Kill()
			}
			return r.Up()
		}
		g, err := s.world.gitlab(name)
		if err == nil {
			g.SetDown(down)
		}
		return err
	}
}

// parseFault reads: fault ENDPOINT WHAT… [times N].
func parseFault(name string, words *script.Words) action {
	endpoint := providertest.Endpoint(words.Word("the endpoint"))
	var f providertest.Fault
	hold := false
	for words.More() {
		switch word := words.Word("what goes wrong"); word {
		case "status":
			f.Status = words.Number("the status")
		case "body":
			f.Body = words.Word("the body")
		case "type":
			f.ContentType = words.Word("the content type")
		case "rate-limit":
			f.Status, f.RetryAfter = http.StatusTooManyRequests, words.Number("the seconds")
		case "delay":
			f.Delay = words.Duration("the delay")
		case "drop-before":
			f.DropBefore = true
		case "drop-after":
			f.DropAfter = true
		case "html":
			f.HTML = true
		case "hold":
			hold = true
		case "header":
			if f.Header == nil {
				f.Header = map[string]string{}
			}
			name := words.Word("the header")
			f.Header[name] = words.Word("its value")
		case "times":
			f.Times = words.Number("how often")
		default:
			words.Fail("a fault is not %q", word)
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
