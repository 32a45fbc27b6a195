package store

import "strings"

// The buckets, and the keys in them. Ids are URLs and numbers: neither has a
// line feed, which therefore separates the parts of a key.
var (
	bucketMeta      = []byte("meta")
	bucketInstances = []byte("instances")
	bucketAccounts  = []byte("accounts")
	bucketSecrets   = []byte("secrets")
	bucketKeys      = []byte("keys")      // what is known of data keys, by id
	bucketPending   = []byte("pending")   // sign-ins that wait for a callback
	bucketLearnt    = []byte("learnt")    // what instances were found to be, by id
	bucketApprovals = []byte("approvals") // of instances in a workspace, by folder and instance

	bucketRegistries = []byte("registries") // where teams' registries are, by place
	bucketShared     = []byte("team")       // what they have, by bucket and id

	keySchema  = []byte("schema")
	keyCurrent = []byte("key") // the id of the data key that seals new secrets
)

// AccountKey names an account among all instances.
type AccountKey struct{ Instance, Account string }

func (k AccountKey) String() string { return k.Instance + "\n" + k.Account }

func instanceKey(id string) []byte               { return []byte(id) }
func accountKey(k AccountKey) []byte             { return []byte(k.String()) }
func accountPrefix(instance string) []byte       { return []byte(instance + "\n") }
func clientSecretKey(instance string) []byte     { return []byte("client\n" + instance) }
func callbackKey(state string) []byte            { return []byte("callback\n" + state) }
func proxyKey(instance string) []byte            { return []byte("proxy\n" + instance) }
func registryKey(place string) []byte            { return []byte(place) }
func sharedKey(bucket, id string) []byte         { return []byte(bucket + "\n" + id) }
func sharedPrefix(bucket string) []byte          { return []byte(bucket + "\n") }
func sharedSecretKey(bucket, id string) []byte   { return []byte("shared\n" + bucket + "\n" + id) }
func approvalKey(folder, instance string) []byte { return []byte(folder + "\n" + instance) }
func tokensKey(k AccountKey) []byte              { return []byte("tokens\n" + k.String()) }

// validKey reports whether an id can be part of a key.
func validKey(id string) bool { return id != "" && !strings.ContainsAny(id, "\n\x00") }
