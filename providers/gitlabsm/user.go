package gitlabsm

import (
	"context"
	"net/url"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// What is told of a user is bounded, in bytes. GitLab takes names of 255 characters
// (app/models/user.rb), and an address of e-mail has at most 254 (RFC 5321).
const (
	maxUsername = 255
	maxName     = 255 * 4
	maxEmail    = 254
	maxUserURL  = 2048
)

// CurrentUser asks GET /user (https://docs.gitlab.com/api/users/). Whoever runs the
// instance can answer anything, so a user name that no user can have is refused,
// and the rest is made fit to be shown.
func (h host) CurrentUser(ctx context.Context) (protocol.User, error) {
	var user struct {
		ID        int64  `json:"id"`
		Username  string `json:"username"`
		Name      string `json:"name"`
		Email     string `json:"email"`
		AvatarURL string `json:"avatar_url"`
		WebURL    string `json:"web_url"`
	}
	if err := h.getJSON(ctx, "/user", &user); err != nil {
		return protocol.User{}, err
	}
	if user.ID == 0 || user.Username == "" {
		return protocol.User{}, unexpected(h.instance, "GET /user has neither id nor username")
	}
	if !isUsername(user.Username) {
		return protocol.User{}, unexpected(h.instance, "GET /user has a username that GitLab lets nobody have")
	}
	user.Name = providers.Shorten(user.Name, maxName)
	user.Email = providers.Shorten(user.Email, maxEmail)
	user.AvatarURL, user.WebURL = webURL(user.AvatarURL), webURL(user.WebURL)
	return protocol.User(user), nil
}

// isUsername reports whether a name has only what GitLab lets a user name have:
// letters, digits, underscores, dots and dashes (lib/gitlab/path_regex.rb,
// https://docs.gitlab.com/user/reserved_names/). Whatever else there may be could
// not be told to git, or would not stay in its place on a terminal.
func isUsername(name string) bool {
	return len(name) <= maxUsername && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	})
}

// webURL returns an address that a browser can be sent to, or "" for what is none.
func webURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || providers.Shorten(text, maxUserURL) != text {
		return ""
	}
	return text
}
