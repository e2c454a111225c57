// Package deploy puts template.yaml, as it stands, into the emulated AWS of a test:
// through the real Serverless transform and through CloudFormation. What the
// emulated CloudFormation passes over and functions need, which is the secrets, is
// made from the template as internal/template reads it.
package deploy
