package natstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// An Issuer says who is who where a server has no passwords: it signs the tokens of
// accounts and users, as NATS's program nsc does
// (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt).
// The accounts, their limits and the permissions are those of registry.conf.
type Issuer struct {
	operator nkeys.KeyPair
	accounts map[Role]*account
	err      error // of the first that went wrong
}

type account struct {
	key         nkeys.KeyPair
	claims      *jwt.AccountClaims
	permissions jwt.Permissions // of its users
}

const stream = "KV_codestream-team"

// What a role may ask of the bucket, below $JS.API.
var (
	reads  = []string{"STREAM.INFO." + stream, "CONSUMER.CREATE." + stream + ".>", "CONSUMER.DELETE." + stream + ".>", "DIRECT.GET." + stream + ".>"}
	writes = []string{"INFO", "STREAM.CREATE." + stream, "STREAM.UPDATE." + stream}
)

// StartIssued starts a server in operator mode, with the accounts that the issuer has.
func StartIssued(dir string) (*Server, *Issuer, error) {
	s, err := place(dir)
	if err != nil {
		return nil, nil, err
	}
	i := &Issuer{accounts: make(map[Role]*account)}
	i.operator = i.key(nkeys.CreateOperator)
	system := i.newAccount("SYS")
	i.open()
	i.admit(Member, reads, nil)
	i.admit(Maintainer, append(writes, reads...), []string{"$KV.codestream-team.>"})
	operator := jwt.NewOperatorClaims(i.public(i.operator))
	operator.SystemAccount = system.claims.Subject
	var accounts strings.Builder
	for _, a := range []*account{system, i.accounts[Operator], i.accounts[Member], i.accounts[Maintainer]} {
		fmt.Fprintf(&accounts, "  %s: %q\n", a.claims.Subject, i.sign(a.claims, i.operator))
	}
	config := fmt.Sprintf("server_name: registry\nlisten: %q\noperator: %q\nresolver: MEMORY\nresolver_preload: {\n%s}\njetstream { store_dir: %q }\n",
		s.address, i.sign(operator, i.operator), accounts.String(), filepath.Join(dir, "data"))
	err = errors.Join(i.err, os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "registry.conf"), []byte(config), 0o600))
	if err != nil {
		return nil, nil, err
	}
	return s, i, s.Up()
}

// open makes the account that has the bucket, where nobody but an operator signs in.
func (i *Issuer) open() {
	registry := i.newAccount("REGISTRY")
	registry.claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: 1, Consumer: 10000, MaxAckPending: 1}
	for subject, kind := range map[jwt.Subject]jwt.ExportType{"$JS.API.>": jwt.Service, "$JS.FC.>": jwt.Service, "$KV.>": jwt.Service, "_INBOX.>": jwt.Stream} {
		registry.claims.Exports.Add(&jwt.Export{Name: string(subject), Subject: subject, Type: kind, TokenReq: true})
	}
	i.accounts[Operator] = registry
}

// admit makes the account of a role, which imports what it may ask and may publish to.
func (i *Issuer) admit(role Role, asks, puts []string) {
	a := i.newAccount(strings.ToUpper(string(role)) + "S")
	a.claims.Mappings = jwt.Mapping{"$JS.API.>": {{Subject: "bucket.>"}}}
	publish := &a.permissions.Pub
	for _, subject := range asks {
		i.importInto(a, jwt.Service, "$JS.API."+subject, "bucket."+subject)
		publish.Allow.Add("bucket." + subject)
	}
	for _, subject := range append(puts, "$JS.FC."+stream+".>") {
		i.importInto(a, jwt.Service, subject, "")
		publish.Allow.Add(subject)
	}
	i.importInto(a, jwt.Stream, "_INBOX.>", "")
	a.permissions.Sub.Allow.Add("_INBOX.>")
	i.accounts[role] = a
}

// importInto imports what the bucket's account exports to those whom it lets.
func (i *Issuer) importInto(a *account, kind jwt.ExportType, subject, local string) {
	registry := i.accounts[Operator]
	let := jwt.NewActivationClaims(a.claims.Subject)
	let.ImportSubject, let.ImportType = jwt.Subject(subject), kind
	a.claims.Imports.Add(&jwt.Import{
		Name: subject, Subject: jwt.Subject(subject), LocalSubject: jwt.RenamingSubject(local), Type: kind,
		Account: registry.claims.Subject, Token: i.sign(let, registry.key),
	})
}

// WriteCreds writes a creds file as nsc does, with the blocks of ours at its end. The
// user may not publish to what is denied, whatever the role may.
func (i *Issuer) WriteCreds(path string, role Role, teamKey, registry string, denied ...string) error {
	key := i.key(nkeys.CreateUser)
	user := jwt.NewUserClaims(i.public(key))
	user.Name = string(role)
	user.Permissions = i.accounts[role].permissions
	user.Pub.Deny = denied
	seed, err := key.Seed()
	if err != nil {
		return err
	}
	text, err := jwt.FormatUserConfig(i.sign(user, i.accounts[role].key), seed)
	if err = errors.Join(i.err, err); err != nil {
		return err
	}
	for label, body := range map[string]string{"TEAM KEY": teamKey, "REGISTRY": registry} {
		text = fmt.Appendf(text, "\n-----BEGIN CODESTREAM %s-----\n%s\n------END CODESTREAM %[1]s------\n", label, body)
	}
	return replace(path, text)
}

func (i *Issuer) newAccount(name string) *account {
	a := &account{key: i.key(nkeys.CreateAccount)}
	a.claims = jwt.NewAccountClaims(i.public(a.key))
	a.claims.Name = name
	return a
}

func (i *Issuer) key(make func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	key, err := make()
	i.err = errors.Join(i.err, err)
	return key
}

func (i *Issuer) public(key nkeys.KeyPair) string {
	text, err := key.PublicKey()
	i.err = errors.Join(i.err, err)
	return text
}

func (i *Issuer) sign(claims jwt.Claims, key nkeys.KeyPair) string {
	text, err := claims.Encode(key)
	i.err = errors.Join(i.err, err)
	return text
}
