module github.com/quarterhour/quarterhour

go 1.26.8
