// Quarterhour turns what contact-centre systems record into interval tables.
package main

import (
	"os"

	"github.com/quarterhour/quarterhour/internal/app"
	"github.com/quarterhour/quarterhour/internal/cli"
)

func main() { os.Exit(cli.Main(app.App{})) }
