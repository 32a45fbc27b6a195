// Package registry keeps a team's instances in a NATS JetStream key-value bucket
// (https://docs.nats.io/nats-concepts/jetstream/key-value-store), where whoever
// maintains them puts them and every member's agent sees them at once.
//
// The bucket has a record an instance, under a key made of the instance's id. A
// client secret in it is sealed with the team's key, which members get together
// with their credentials and the server never sees (credentials.go). What an
// instance is called and where it is is in the clear.
//
// Who may write is the server's to say: members read, and only maintainers write.
// Writes compare and set: whoever has not seen the newest state is told Conflict.
//
// Nobody waits for the registry who does not write to it. [Registry.Run] connects,
// hands each state of the bucket to whoever keeps it, and goes on until its context
// ends, however often the connection breaks.
//
// Start at [New] and [Registry.Run].
package registry
