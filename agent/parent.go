package agent

import "time"

// parentInterval is how often the editor's process is looked for, where the
// operating system does not tell of its end.
const parentInterval = 200 * time.Millisecond

// watchProcess ends the session when the editor's process has ended, since not
// every editor closes its pipes when it crashes.
func (a *Agent) watchProcess(pid int) {
	gone, stop := parentGone(pid)
	a.dispatcher.work.Go(func() {
		defer stop()
		ticker := time.NewTicker(parentInterval)
		defer ticker.Stop()
		for {
			select {
			case <-a.life.ended:
				return
			case <-ticker.C:
				if gone() {
					a.log.Warn("the editor's process has ended", "pid", pid)
					a.life.end()
					return
				}
			}
		}
	})
}
