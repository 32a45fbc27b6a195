// Package natstest runs a team's registry to test against: processes of a real
// nats-server with the configuration that testdata/nats documents, alone or as a
// cluster, on loopback.
//
// The program is built from the module testdata/nats, of which the agent's own has
// nothing. Start at [Start].
package natstest
