package deploy

// For tests of the template with the SAM CLI's own code.
var (
	Python     = python
	NeedPython = needPython
)
