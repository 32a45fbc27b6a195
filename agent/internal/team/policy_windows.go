package team

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The system opens no pipe under the name of a file. A link, or a junction, which any
// user can make, is opened itself, and then refused.
const (
	nonBlock = 0
	noFollow = windows.O_FILE_FLAG_OPEN_REPARSE_POINT
)

// PolicyPath returns where the machine's policy is.
func PolicyPath() string {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return ""
	}
	return filepath.Join(data, "CodeStream", "gitlab.json")
}

// administered says what lets somebody other than an administrator write a file, or
// "". Every user may make files in %ProgramData%, so the owner is not enough: the
// access lists of the file and of its folder are looked at too, by their handles. The
// folder's, as Go opens it, lets nobody put another in its place meanwhile.
func administered(file *os.File) string {
	path := filepath.Dir(file.Name())
	folder, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return "its folder cannot be opened: " + cause(err).Error()
	}
	defer folder.Close()
	if problem := onlyAdministratorsWrite(folder); problem != "" {
		return path + " " + problem
	}
	if problem := onlyAdministratorsWrite(file); problem != "" {
		return file.Name() + " " + problem
	}
	if !isIn(file, folder) {
		return "its folder was replaced just now"
	}
	return ""
}

// writing are the rights with which something can be changed, replaced or handed
// on.
const writing = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.FILE_WRITE_ATTRIBUTES | windows.FILE_WRITE_EA |
	fileDeleteChild | windows.DELETE | windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_WRITE | windows.GENERIC_ALL

// fileDeleteChild is FILE_DELETE_CHILD of winnt.h, which package windows lacks.
const fileDeleteChild = 0x40

func onlyAdministratorsWrite(file *os.File) string {
	handle := windows.Handle(file.Fd())
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(handle, &info); err != nil {
		return "does not tell what it is: " + err.Error()
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0 {
		return "is a link or a junction"
	}
	descriptor, err := windows.GetSecurityInfo(handle, windows.SE_FILE_OBJECT,
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
		if problem := lets(entry); problem != "" {
			return problem
		}
	}
	return ""
}

// lets says what an entry of an access list lets others than administrators do, or "".
// Of the kinds that exist (winnt.h, ACE_HEADER) there are two in a list that Explorer
// or icacls makes. Another, such as one with a condition, may let somebody write.
func lets(entry *windows.ACCESS_ALLOWED_ACE) string {
	switch {
	case entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0, entry.Header.AceType == windows.ACCESS_DENIED_ACE_TYPE:
		return ""
	case entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE:
		return fmt.Sprintf("has an entry of the kind %d in its access list, which is not known here", entry.Header.AceType)
	case entry.Mask&writing != 0 && !isAdministrator((*windows.SID)(unsafe.Pointer(&entry.SidStart))):
		return "can be written by others than the administrators"
	}
	return ""
}

// isIn reports whether an open file is in an open folder.
func isIn(file, folder *os.File) bool {
	fileAt, fileErr := finalPath(file)
	folderAt, folderErr := finalPath(folder)
	return fileErr == nil && folderErr == nil && filepath.Dir(fileAt) == folderAt
}

// finalPath returns where what is open is by now.
func finalPath(file *os.File) (string, error) {
	buffer := make([]uint16, windows.MAX_LONG_PATH)
	n, err := windows.GetFinalPathNameByHandle(windows.Handle(file.Fd()), &buffer[0], uint32(len(buffer)), 0)
	if err != nil || int(n) > len(buffer) {
		return "", cmp.Or(err, error(windows.ERROR_FILENAME_EXCED_RANGE))
	}
	return windows.UTF16ToString(buffer[:n]), nil
}

// trustedInstaller owns what Windows itself has installed.
const trustedInstaller = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

func isAdministrator(sid *windows.SID) bool {
	return sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
		sid.String() == trustedInstaller
}
