/* nosymbol.c - a shared object that is no plugin: no descriptor */
int nosymbol_nothing(void);

int nosymbol_nothing(void)
{
    return 0;
}
