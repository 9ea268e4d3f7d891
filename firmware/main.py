from nmes.app import run

run()
