package protocol

import "time"

// AuthenticateParams says where and how to sign in.
type AuthenticateParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Method is "browser" (default), "device" or "token".
	Method AuthMethod `json:"method,omitempty"`
	// Token is a personal access token, for the method "token" only.
	Token string `json:"token,omitempty"`
	// TimeoutSeconds is how long to wait for the user, be it for their approval of the
	// instance or for their sign-in. Default: 300.
	TimeoutSeconds int `json:"timeoutSeconds,omitempty"`
	// Approve says that the user lets an instance be used that needs their approval:
	// it is the id of its offer. It is for editors that have no
	// window/showMessageRequest, or ask in a better place. Send it only where the user
	// was shown the file and the address, best by the offer's question, and has said yes
	// to them: a click on "Sign in" alone is no approval, since a repository can be
	// hostile. Where the file says something else by now, the answer is Untrusted. The
	// approval is kept, whatever becomes of the sign-in. Where the instance needs none,
	// Approve does nothing.
	Approve string `json:"approve,omitempty"`
	// WorkDoneToken is the editor's progress token, as in LSP. Without it the
	// agent creates one where the editor supports that.
	WorkDoneToken ProgressToken `json:"workDoneToken,omitzero"`
}

// AuthenticateResult tells who signed in.
type AuthenticateResult struct {
	Account Account `json:"account"`
	// Warnings are sentences for the person who signed in, such as that a token
	// ends soon.
	Warnings []string `json:"warnings"`
}

// CompleteAuthenticationParams carries a callback.
type CompleteAuthenticationParams struct {
	// CallbackURL is the whole URL to which GitLab sent the browser.
	CallbackURL string `json:"callbackUrl"`
}

// CompleteAuthenticationResult is empty.
type CompleteAuthenticationResult struct{}

// DisconnectParams names what to sign out.
type DisconnectParams struct {
	// Instance may be left out where exactly one is configured.
	Instance string `json:"instance,omitempty"`
	// Account may be left out where exactly one is signed in.
	Account string `json:"account,omitempty"`
	// Revoke is whether to revoke at GitLab first. Default: true for tokens that
	// OAuth issued, false for a personal access token.
	Revoke *bool `json:"revoke,omitempty"`
}

// DisconnectResult tells what became of the tokens.
type DisconnectResult struct {
	// Revoked is true where GitLab confirmed that the tokens are dead.
	Revoked bool `json:"revoked"`
	// Warnings say why a revocation failed, and what to do about it.
	Warnings []string `json:"warnings"`
}

// DidStartAuthenticationParams tells where the user has to go.
type DidStartAuthenticationParams struct {
	// Instance is the id of the instance.
	Instance string     `json:"instance"`
	Method   AuthMethod `json:"method"`
	// AuthorizeURL is where the browser goes (method "browser").
	AuthorizeURL string `json:"authorizeUrl,omitempty"`
	// RedirectURI is where GitLab sends the browser afterwards.
	RedirectURI string `json:"redirectUri,omitempty"`
	// VerificationURI is where the user enters UserCode (method "device").
	VerificationURI string `json:"verificationUri,omitempty"`
	// VerificationURIComplete is the same with the code in it.
	VerificationURIComplete string `json:"verificationUriComplete,omitempty"`
	// UserCode is what the user enters there.
	UserCode string `json:"userCode,omitempty"`
	// ExpiresAt is when the agent stops waiting.
	ExpiresAt time.Time `json:"expiresAt"`
}

// DidChangeAuthenticationParams tells what became of an account.
type DidChangeAuthenticationParams struct {
	// Instance is the id of the instance.
	Instance string `json:"instance"`
	// Account is the id of the account.
	Account string `json:"account,omitempty"`
	// User is whose account it is.
	User  *User     `json:"user,omitempty"`
	State AuthState `json:"state"`
	// Reason is "refreshed" for a renewed token, and for signInRequired why GitLab
	// does not accept the tokens, or why they cannot be used: "revoked", "expired",
	// "answerLost" (GitLab renewed them, and its answer never arrived), "keyLost", or
	// "otherApplication" (the team has gone over to another application, and the tokens
	// are from the one before).
	Reason string `json:"reason,omitempty"`
}
