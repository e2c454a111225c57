package deploy

// Python runs the SAM CLI's own code, for tests of the template.
var Python = python
