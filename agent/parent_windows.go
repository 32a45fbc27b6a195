package agent

import "golang.org/x/sys/windows"

// parentGone returns a function that reports whether a process has ended. The
// handle keeps the process's number from being given to another.
func parentGone(pid int) (gone func() bool, stop func()) {
	handle, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return func() bool { return true }, func() {}
	}
	return func() bool {
		event, err := windows.WaitForSingleObject(handle, 0)
		return err == nil && event == windows.WAIT_OBJECT_0
	}, func() { windows.CloseHandle(handle) }
}
