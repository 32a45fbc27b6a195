// Package auth signs users in and keeps them signed in: the OAuth 2.0
// authorization code flow with PKCE over a loopback redirect (RFC 6749, 7636,
// 8252), the device authorization grant (RFC 8628), personal access tokens, the
// tokens and their refresh (RFC 6749 section 6), and their revocation (RFC 7009).
//
// The rules that hold throughout:
//
//   - A token changes only under the account's lock, after the store was read
//     again; the new refresh token is on disk before the new access token is used,
//     and a note of the refresh before it is sent.
//   - Only GitLab's own word signs somebody out. A network that is down does not.
//   - An answer is believed when it was checked; a callback when it has the state.
//   - A browser opens only because a person asked for it.
//   - No secret is in an error: what oauth2 reports is translated, never printed.
//
// Start at [Manager.SignIn], [Manager.SignInByDevice], [Manager.SignInWithToken]
// and [Manager.Client].
package auth
