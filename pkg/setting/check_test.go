package setting_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tizza/tizza/pkg/setting"
)

func TestChecksNameTheSettingAndNotItsValue(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		good bool
	}{
		"a URL":                     {setting.CheckURL("X", "http://pizza:8002"), true},
		"a URL with a path":         {setting.CheckURL("X", "https://pizza.example/base"), true},
		"a word":                    {setting.CheckURL("X", "secret"), false},
		"another scheme":            {setting.CheckURL("X", "ftp://secret"), false},
		"no host":                   {setting.CheckURL("X", "http:///secret"), false},
		"a port that cannot be":     {setting.CheckURL("X", "http://secret:99999"), false},
		"credentials":               {setting.CheckURL("X", "http://ann:secret@pizza"), false},
		"a query":                   {setting.CheckURL("X", "http://pizza?secret"), false},
		"a token":                   {setting.CheckToken("X", "likes-service:secret"), true},
		"a token without password":  {setting.CheckToken("X", "secret:"), false},
		"a token without a client":  {setting.CheckToken("X", "secret"), false},
		"a label":                   {setting.CheckLabel("X", "development"), true},
		"a label with a slash":      {setting.CheckLabel("X", "secret/x"), false},
		"a label with a space":      {setting.CheckLabel("X", "secret x"), false},
		"a label that is not there": {setting.CheckLabel("X", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			if test.good {
				assert.NoError(t, test.err)
				return
			}
			assert.ErrorContains(t, test.err, "X: ")
			assert.NotContains(t, test.err.Error(), "secret")
		})
	}
}
