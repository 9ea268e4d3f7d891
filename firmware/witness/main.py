from witness.app import run

run()
