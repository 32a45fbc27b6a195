// Package natstest runs a team's registry to test against: processes of a real
// nats-server with the configuration that testdata/nats documents, alone or as a
// cluster, on loopback.
//
// The program is built from the module testdata/nats, of which the agent's own has
// nothing. Another version of it runs where $NATSTEST_SERVER has its path. Start at
// [Start].
package natstest
