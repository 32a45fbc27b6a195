package team

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Windows has neither of these: the system opens no pipe under the name of a file,
// and only administrators make links.
const (
	nonBlock = 0
	noFollow = 0
)

// PolicyPath returns where the machine's policy is.
func PolicyPath() string {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return ""
	}
	return filepath.Join(data, "CodeStream", "gitlab.json")
}

// administered says what lets somebody other than an administrator write a file,
// or "". Every user may make files in %ProgramData%, so the owner is not enough:
// the access list of the file and of its folder is looked at too.
func administered(file *os.File) string {
	for _, path := range []string{file.Name(), filepath.Dir(file.Name())} {
		if problem := onlyAdministratorsWrite(path); problem != "" {
			return path + " " + problem
		}
	}
	return ""
}

// writing are the rights with which something can be changed, replaced or handed
// on.
const writing = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | fileDeleteChild |
	windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL

// fileDeleteChild is FILE_DELETE_CHILD of winnt.h, which package windows lacks.
const fileDeleteChild = 0x40

func onlyAdministratorsWrite(path string) string {
	descriptor, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "does not tell who may write to it: " + err.Error()
	}
	owner, _, err := descriptor.Owner()
	if err != nil || !isAdministrator(owner) {
		return "does not belong to the administrators"
	}
	acl, _, err := descriptor.DACL()
	if err != nil || acl == nil {
		return "can be written by everybody"
	}
	for i := range uint32(acl.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(acl, i, &entry); err != nil {
			return "does not tell who may write to it: " + err.Error()
		}
		sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		if entry.Header.AceType == windows.ACCESS_ALLOWED_ACE_TYPE && entry.Mask&writing != 0 &&
			entry.Header.AceFlags&windows.INHERIT_ONLY_ACE == 0 && !isAdministrator(sid) {
			return "can be written by others than the administrators"
		}
	}
	return ""
}

// trustedInstaller owns what Windows itself has installed.
const trustedInstaller = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

func isAdministrator(sid *windows.SID) bool {
	return sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
		sid.String() == trustedInstaller
}
