package store

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Account is what is kept of a user on an instance, but for their tokens.
type Account struct {
	// ID names the account among those of its instance.
	ID       string              `json:"id"`
	Instance string              `json:"instance"`
	User     protocol.User       `json:"user"`
	Method   protocol.AuthMethod `json:"method"`
	// ClientID and RedirectURI are those with which the tokens were issued: a
	// refresh has to name them again.
	ClientID    string   `json:"clientId,omitempty"`
	RedirectURI string   `json:"redirectUri,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	TokenType   string   `json:"tokenType,omitempty"`
	// TokenKind is what kind of token the user has made, for the method "token".
	TokenKind protocol.TokenKind `json:"tokenKind,omitempty"`
	// IssuedAt and ExpiresAt bound the life of the access token by the wall clock;
	// ExpiresAt is zero for one that does not expire.
	IssuedAt  time.Time `json:"issuedAt,omitzero"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// SignedInAt is when the user last approved, which a refresh does not change.
	SignedInAt time.Time `json:"signedInAt,omitzero"`
	// RefreshSentAt is when a refresh was sent of which nobody knows what came of
	// it; zero where there is none.
	RefreshSentAt time.Time `json:"refreshSentAt,omitzero"`
	// Refused tells why GitLab no longer accepts the tokens. Empty while it does.
	Refused string `json:"refused,omitempty"`
	// Serial counts the tokens that the account has had, so that other windows
	// can tell a refresh.
	Serial uint64 `json:"serial"`
}

// Tokens are the secrets of an account.
type Tokens struct {
	Access  secret.Text
	Refresh secret.Text // empty where GitLab issued none
}

// sealedTokens is the form in which tokens are sealed.
type sealedTokens struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh,omitempty"`
}

// Key names the account among all instances.
func (a Account) Key() AccountKey { return AccountKey{a.Instance, a.ID} }

func (a Account) recordKey() []byte { return accountKey(a.Key()) }

// Accounts lists all accounts, instance by instance.
func (tx *Tx) Accounts() ([]Account, error) {
	return list[Account](tx, bucketAccounts, nil)
}

// AccountsOf lists the accounts of one instance.
func (tx *Tx) AccountsOf(instance string) ([]Account, error) {
	return list[Account](tx, bucketAccounts, accountPrefix(instance))
}

// Account returns an account, or ErrNotFound.
func (tx *Tx) Account(key AccountKey) (Account, error) {
	return get[Account](tx, bucketAccounts, accountKey(key))
}

// Tokens returns the tokens of an account. It returns ErrNotFound where it has
// none (any more), ErrKeyLost where they can no longer be opened, and ErrKeyLocked
// where they cannot be opened now.
func (tx *Tx) Tokens(key AccountKey) (Tokens, error) {
	plain, err := tx.secret(tokensKey(key))
	if err != nil {
		return Tokens{}, err
	}
	sealed, err := decode[sealedTokens](tokensKey(key), plain)
	tokens := Tokens{secret.New(sealed.Access), secret.New(sealed.Refresh)}
	tx.seen(tokens.Access, tokens.Refresh)
	return tokens, err
}

// PutAccount saves an account with new tokens, in place of those it had.
func (tx *Tx) PutAccount(account Account, tokens Tokens) error {
	if !validKey(account.ID) || !validKey(account.Instance) {
		return errInvalidID
	}
	tx.seen(tokens.Access, tokens.Refresh)
	previous, err := tx.Account(account.Key())
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	account.Serial = previous.Serial + 1
	plain, err := json.Marshal(sealedTokens{tokens.Access.Reveal(), tokens.Refresh.Reveal()})
	if err != nil {
		return err
	}
	return errors.Join(
		put(tx, bucketAccounts, accountKey(account.Key()), account),
		tx.putSecret(tokensKey(account.Key()), plain),
	)
}

// RefuseAccount notes why GitLab no longer accepts an account's tokens, and
// forgets them. The account stays, so that the user sees who has to sign in.
func (tx *Tx) RefuseAccount(key AccountKey, reason string) error {
	if err := tx.SetRefused(key, reason); err != nil {
		return err
	}
	return remove(tx, bucketSecrets, tokensKey(key))
}

// SetRefused notes why an account's tokens cannot be used, or with "" that they
// can again. They are kept. It returns ErrNotFound where there is no such account.
func (tx *Tx) SetRefused(key AccountKey, reason string) error {
	account, err := tx.Account(key)
	if err != nil {
		return err
	}
	account.Refused = reason
	return put(tx, bucketAccounts, accountKey(key), account)
}

// SetRefreshSent notes when a refresh of an account's tokens was sent, or with the
// zero time that its answer has come. It returns ErrNotFound where there is no
// such account.
func (tx *Tx) SetRefreshSent(key AccountKey, at time.Time) error {
	account, err := tx.Account(key)
	if err != nil {
		return err
	}
	account.RefreshSentAt = at
	return put(tx, bucketAccounts, accountKey(key), account)
}

// DeleteAccount forgets an account and its tokens.
func (tx *Tx) DeleteAccount(key AccountKey) error {
	return errors.Join(
		remove(tx, bucketSecrets, tokensKey(key)),
		remove(tx, bucketAccounts, accountKey(key)),
	)
}
