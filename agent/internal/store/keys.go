package store

import "strings"

// The buckets, and the keys in them. Ids are URLs and numbers: neither has a
// line feed, which therefore separates the parts of a key.
var (
	bucketMeta      = []byte("meta")
	bucketInstances = []byte("instances")
	bucketAccounts  = []byte("accounts")
	bucketSecrets   = []byte("secrets")
	bucketKeys      = []byte("keys")    // what is known of data keys, by id
	bucketPending   = []byte("pending") // sign-ins that wait for a callback

	keySchema  = []byte("schema")
	keyCurrent = []byte("key") // the id of the data key that seals new secrets
)

// AccountKey names an account among all instances.
type AccountKey struct{ Instance, Account string }

func (k AccountKey) String() string { return k.Instance + "\n" + k.Account }

func instanceKey(id string) []byte           { return []byte(id) }
func accountKey(k AccountKey) []byte         { return []byte(k.String()) }
func accountPrefix(instance string) []byte   { return []byte(instance + "\n") }
func clientSecretKey(instance string) []byte { return []byte("client\n" + instance) }
func proxyKey(instance string) []byte        { return []byte("proxy\n" + instance) }
func callbackKey(state string) []byte        { return []byte("callback\n" + state) }
func tokensKey(k AccountKey) []byte          { return []byte("tokens\n" + k.String()) }

// validKey reports whether an id can be part of a key.
func validKey(id string) bool { return id != "" && !strings.ContainsAny(id, "\n\x00") }
