package template

import "fmt"

// Variants are the choices of parameters that change what a stack consists of.
var Variants = map[string]map[string]string{
	"defaults":       nil,
	"customer key":   {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"},
	"no state":       {"CreateState": "false"},
	"one provider":   {"Providers": "hesabe"},
	"two providers":  {"Providers": "tconnect,berbix"},
	"schedules off":  {"Providers": "none"},
	"every other":    {"ScheduleRate": "rate(2 minutes)"},
	"every fifth":    {"ScheduleRate": "rate(5 minutes)"},
	"traced in VPC":  {"Tracing": "Active", "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"},
	"reserved, mail": {"ReservedConcurrency": "2", "AlarmEmail": "team@example.com"},
	"emulated AWS":   {"AwsEndpointUrl": "http://host.docker.internal:5000"},
	"emulated queue": {"AwsEndpointUrl": "http://host.docker.internal:5000", "BerbixQueueConcurrency": "2"},
	"OAuth 2":        {"OAuth2Accounts": "xero,hubspot-eu"},
	"no events":      {"EventBusName": ""},
	"other names":    {"SecretPrefix": "team/tokens", "TablePrefix": "team-tokens", "Accounts": "default,shop-2"},
	"queue":          {"BerbixQueueConcurrency": "10", "BerbixHandOverAbove": "500"},
	"sandbox, x86":   {"ProviderEnvironment": "sandbox", "Architecture": "x86_64", "MemorySize": "1024", "LogLevel": "debug"},
}

// LoadVariants reads a template and resolves each of Variants.
func LoadVariants(path string) (map[string]*Stack, error) {
	t, err := Load(path)
	if err != nil {
		return nil, err
	}
	stacks := map[string]*Stack{}
	for name, parameters := range Variants {
		if stacks[name], err = t.Stack(parameters); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return stacks, nil
}
