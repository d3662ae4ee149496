"""Five releases that an experiment decides: `python -m hack.experiment`.

All is known of the users, so every count can be checked.


"""
