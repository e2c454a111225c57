package deploy_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"tokenrefresh/internal/deploy"
	"tokenrefresh/internal/moto"
	"tokenrefresh/internal/template"
)

// The real transform and an emulated CloudFormation must agree with what the tests of
// the template take it for. The emulation knows no alarms or schedules.
func TestDeploysToAnEmulatedAWS(t *testing.T) {
	t.Parallel()
	aws := moto.Start(t)
	for name, parameters := range template.Variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parameters := maps.Clone(parameters)
			delete(parameters, "SecretPrefix") // no test shares a name
			delete(parameters, "TablePrefix")
			stack := deploy.Start(t, aws, "../..", parameters)
			for _, id := range stack.Template.Of("AWS::DynamoDB::Table") {
				name := template.Get[string](stack.Template.Resources[id].Properties, "TableName")
				_, err := aws.DynamoDB.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
				assert.Check(t, err)
			}
			for _, function := range stack.Template.Of(template.Function) {
				want := stack.Template.Environment(function)
				if url, isQueue := stack.Outputs[want["SWEEP_QUEUE_URL"]]; isQueue {
					want["SWEEP_QUEUE_URL"] = url
				}
				assert.Check(t, is.DeepEqual(stack.Function(t, function).Environment, want), "%s", function)
			}
		})
	}
}
