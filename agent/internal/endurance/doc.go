// Package endurance proves that nothing is lost: what an agent has acknowledged
// stays, whatever happens to it afterwards, and one refresh serves everybody. It
// has tests only. They run the real program, many processes at a time on one data
// directory, against the GitLab of package providertest, and look at nothing but
// the protocol and, at the very end, the content of the store.
//
// In "make test", within a minute:
//
//   - refresh_test.go: 64 agents ask at once with a token that has run out. There
//     is one refresh, also where GitLab takes its time.
//   - badluck_test.go: the same where the refresh goes wrong: the agent that does
//     it is killed, GitLab fails, the answer gets lost.
//   - kills_test.go: agents are killed a hundred times at random moments of
//     random work. model_test.go keeps what was acknowledged and what was under
//     way, and every agent that starts after a kill is held to it.
//
// In "make soak" (build tag soak), within twelve minutes: a thousand kills, and
// what a long or a strange life does to an agent's memory and goroutines: huge
// messages, ten thousand requests under way, an editor that stops reading, one
// that never answers, and a long ordinary life. Its last lines are the figures.
// Memory is that of the real program, as Linux tells it; goroutines are counted
// in the same agent within the test binary, see counted_test.go.
//
// The random numbers of a run come from one seed, which it prints; -seed takes it
// again. Since processes do not keep step, that repeats the work and the moments
// of the kills, but not always the outcome.
//
// Start at TestOneRefreshServesEverybody and at killAgents.
package endurance
