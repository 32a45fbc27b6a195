package sessiontest

import (
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// parseMakesToken reads: makes NAME for USER [scopes A,B] [days N].
func parseMakesToken(do func(func(*gitlab, *session)) action, words *script.Words) action {
	name := words.Word("the token's name")
	words.Expect("for")
	user := words.Word("the user")
	scopes, ends := []string{"api"}, time.Time{}
	for words.More() {
		switch option := words.Word("what the token is like"); option {
		case "scopes":
			scopes = strings.Split(words.Word("the scopes"), ",")
		case "days":
			ends = time.Now().AddDate(0, 0, words.Number("the number of days"))
		default:
			words.Fail("a token has no option %q", option)
		}
	}
	return do(func(g *gitlab, s *session) {
		g.user(user)
		s.vars[name] = g.AddPersonalAccessTokenUntil(user, ends, scopes...)
	})
}

// parseTokenEnds reads: revokes|expires token TOKEN.
func parseTokenEnds(do func(func(*gitlab, *session)) action, verb string, words *script.Words) action {
	token := words.Word("the token")
	return do(func(g *gitlab, _ *session) {
		if verb == "revokes" {
			g.RevokePersonalAccessToken(token)
		} else {
			g.ExpirePersonalAccessToken(token)
		}
	})
}
