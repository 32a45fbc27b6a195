package providers

// Feature is what hosts of one kind have had since some version, and what a client
// has to know of beforehand.
type Feature string

// The features that the agent asks about, see [Provider.Lacks].
const (
	// Supported: the version is one that the provider was made for.
	Supported Feature = "support"
	// PKCE: the server knows code challenges (RFC 7636).
	PKCE Feature = "pkce"
	// LoopbackPort: the server ignores the port of a redirect URI that names a
	// loopback address by its number (RFC 8252 section 7.3).
	LoopbackPort Feature = "loopbackPort"
	// ExpiringTokens: every access token ends, and has a refresh token.
	ExpiringTokens Feature = "expiringTokens"
	// TokenSelf: a personal access token can ask for its own scopes and expiry.
	TokenSelf Feature = "tokenSelf"
	// TokenRevokesItself: a personal access token can revoke itself.
	TokenRevokesItself Feature = "tokenRevokesItself"
	// DeviceGrant: the device authorization grant (RFC 8628) is there, or can be
	// switched on.
	DeviceGrant Feature = "deviceGrant"
)
