"""The command `linnet`: what a person types. Needs the packages of the extra `cli`."""
