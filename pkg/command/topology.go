package command

import (
	"context"
	"fmt"
	"io"

	"github.com/tizza/tizza/pkg/setting"
	"github.com/tizza/tizza/pkg/topology"
)

type topologies[C any] struct {
	List  topologyList[C]  `cmd:"" help:"List the exchanges, queues and bindings that the service declares."`
	Check topologyCheck[C] `cmd:"" help:"Compare them with what stands at the broker; fail if anything is wrong."`
}

type topologyList[C any] struct{ List }

func (c topologyList[C]) Run(p Program[C], cfg C, out io.Writer) error {
	return Print(out, c.List, topology.List(p.Topology(cfg)), []string{"KIND", "NAME", "TYPE", "GETS"}, func(i topology.Item) []string {
		return []string{i.Kind, i.Name, i.Type, i.From()}
	})
}

type topologyCheck[C any] struct {
	List
	URL      string         `name:"management-url" env:"RABBITMQ_MANAGEMENT_URL" placeholder:"URL" help:"RabbitMQ's management API."`
	Username string         `env:"RABBITMQ_USERNAME" help:"A user with the tag monitoring: a service's own may not look."`
	Password setting.Secret `env:"RABBITMQ_PASSWORD" help:"Its password; better in the environment."`
}

// Run prints a line for each finding. It asks over HTTP as another user than the service's.
func (c topologyCheck[C]) Run(ctx context.Context, p Program[C], cfg C, out io.Writer, t *terminal) error {
	management := topology.Management{URL: c.URL, Username: c.Username, Password: c.Password}
	if err := management.Validate(); err != nil {
		return &setting.Error{Settings: []string{err.Error()}}
	}
	config, err := brokerNow(ctx, p, cfg, t)
	if err != nil {
		return err
	}
	if config.URL != p.Broker(cfg).URL {
		fmt.Fprintf(t.out, "the management API that is asked is %s: it has to be that broker's\n", plain(c.URL))
	}
	seen, err := management.Look(ctx, config.URL)
	if err != nil {
		return err
	}
	findings := topology.Check(p.Topology(cfg), seen)
	if err := printFindings(out, c.List, findings); err != nil {
		return err
	}
	if n := topology.Problems(findings); n > 0 {
		return fmt.Errorf("problems in the topology: %d", n)
	}
	return nil
}

func printFindings(out io.Writer, list List, findings []topology.Finding) error {
	if list.JSON {
		return Print(out, list, findings, nil, nil)
	}
	for _, f := range findings {
		if _, err := fmt.Fprintln(out, f); err != nil {
			return err
		}
	}
	if topology.Problems(findings) > 0 {
		return nil
	}
	_, err := fmt.Fprintln(out, "as declared")
	return err
}
